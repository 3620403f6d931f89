#!/usr/bin/env bash
# A simulated run for whoever wants to look: recent events in shared memory, a page with plots of them, a page with the results of a
# graph, and a screen that shows what all these processes do. Ends with q or Ctrl-C.
#   PATH=$PWD/bin:$PATH examples/live/watch-a-run.sh
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
tag=watch$$
work=$(mktemp -d)
trap 'kill $(jobs -p) 2>/dev/null || true; wait; rm -rf "$work"' EXIT

dgram-gen -n 2000 -o "$work/run.xtc2"
shmem-serve "$tag" "$work/run.xtc2" --loop 0 -r 120 -c 2 --metrics 0 -u server &

# The page: energies over time, their distribution, and a waveform.
daq-view "shm:$tag?wait=10" gmd:raw:energy gmd:raw:energy=histogram hsd_0:raw:waveform --metrics 0 -u page &

# Another page: what a graph makes of the same events, four times a second.
daq-view --metrics 0 -u results --records <(
  graph-run "$here/../graph/energy.yaml" "shm:$tag?wait=10" --heartbeat 30ev -f jsonl --metrics 0 -u graph
) &

sleep 2
# Without a terminal it prints a table and ends.
daq-top --filter "${1:-}"
