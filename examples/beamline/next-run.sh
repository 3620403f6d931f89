#!/bin/sh
# Stands for the run database: every start of the timing is the next run.  next-run.sh FOLDER COMMAND...  gives COMMAND the run's number as --run.
set -eu
folder=$1
shift
mkdir -p -m 700 "$folder"
run=$(($(cat "$folder/run" 2> /dev/null || echo 0) + 1))
echo $run > "$folder/run"
exec "$@" --run $run
