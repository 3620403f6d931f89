#!/bin/bash
# The scan of scan.yaml as a job of Slurm: the same commands, one step for each process. Redis, controller, ingester and reducer run on the first
# node, workers everywhere.
#
#   sbatch --nodes=2 --ntasks-per-node=8 examples/mapreduce/slurm.sh map.json
#   sbatch ... examples/mapreduce/slurm.sh map.json tcp://detector:9999
#
# What is refused, lost or damaged is in the job's output; its exit status is that of the scan.
#SBATCH --job-name=map-reduce
#SBATCH --nodes=1
#SBATCH --ntasks-per-node=6
set -eu
map=$(realpath "$1")
upstream=${2:-file:images.cbors}
# A batch script runs from a copy; the folder of the payloads is the one it was submitted from, or this one.
cd "${SLURM_SUBMIT_DIR:-.}" && cd examples/mapreduce

# By this name the other nodes of the job find the first one.
host=$(hostname)
folder=$(mktemp -d) # mode 0700
trap 'kill $(jobs -p) 2> /dev/null || true; wait; rm -rf "$folder"' EXIT

# The password is in a file and in the environment, never in a command line. Compute nodes must reach Redis, so it listens on more than the loopback.
password=$(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')
port=$((20000 + SLURM_JOB_ID % 10000))
(umask 077; printf 'port %s\nrequirepass %s\ndir %s\nsave ""\nappendonly yes\nappendfsync no\n' "$port" "$password" "$folder" > "$folder/redis.conf")
redis-server "$folder/redis.conf" > "$folder/redis.log" &
export REDIS_URL="redis://:$password@$host:$port/0"
until REDISCLI_AUTH=$password redis-cli -p "$port" ping > /dev/null 2>&1; do sleep 0.1; done

here() { srun --nodes=1 --ntasks=1 --nodelist="$(hostname -s)" --overlap --export=ALL "$@" & }
here map-control --bind 0.0.0.0 --advertise "$host" --port "$((port + 1))"
here map-reduce --js histogram-reducer.mjs --bind 'tcp://*:*' --advertise "$host" --port "0.0.0.0:$((port + 2))" --replay-results "$folder/results.cbors"
here map-ingest --kind stins --stream det --upstream "$upstream" --bind 'tcp://*:*' --advertise "$host"
# Names of workers are made from their hosts and ten letters.
srun --ntasks="$((SLURM_NTASKS > 4 ? SLURM_NTASKS - 4 : 1))" --overlap --export=ALL map-work --js sums-worker.mjs &

# A map is refused until every worker is connected to the ingester.
url="http://$host:$((port + 1))"
for attempt in $(seq 60); do
  sleep 1
  if map-control post "$map" --url "$url"; then break; fi
  [ "$attempt" -lt 60 ]
done
map-control watch --url "$url"
