#!/bin/sh
# A graph over separate processes on this machine: W workers, L local collectors, one global collector, and the manager that deals.
# The records go to stdout.
#
#   examples/graph/cluster.sh GRAPH INPUT [W [L [options of graph-manage]]]
#   dgram-gen -n 5000 | examples/graph/cluster.sh examples/graph/energy.yaml - 4 2 --heartbeat 500ev
#
# While it runs: graph-manage replace OTHER.yaml --at "$AT" puts another graph in force, and kill -9 of a worker shows what happens then.
set -eu
graph=$1 input=$2 workers=${3:-2} collectors=${4:-1}
[ $# -gt 4 ] && shift 4 || shift $#
PATH=$(dirname "$0")/../../bin:$PATH

folder=$(mktemp -d) # mode 0700: nobody else can reach the sockets
at=zmq+ipc://$folder/manager.sock
trap 'rm -rf "$folder"' EXIT
echo "AT=$at" >&2

pids=
start() { "$@" & pids="$pids $!"; }
id=0
while [ $id -lt "$workers" ]; do start graph-worker --id $id --manager "$at" -u worker-$id; id=$((id + 1)); done
id=0
while [ $id -lt "$collectors" ]; do start graph-collect --local $id --manager "$at" -u local-$id; id=$((id + 1)); done
start graph-collect --global --manager "$at" -u global

status=0
graph-manage "$graph" "$input" -W "$workers" -L "$collectors" --at "$at" "$@" || status=$?
if [ $status -eq 1 ] || [ $status -eq 2 ]; then kill $pids; fi # refused: nobody was told to end
wait
exit $status
