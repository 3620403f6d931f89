#!/usr/bin/env bash
# The whole trigger chain on simulated data: two detectors at the common rate, two at lower rates, one of them at about 1 Hz.
#
#   dgram-gen -> drp-python (one per detector) -> eb-join (one per detector) -> recorded files
#                      \-> contributions -> teb-decide -> decisions -/   \-> meb-route -> a viewer
#
# usage: examples/trigger/pipeline.sh [FOLDER]      the recorded files go to FOLDER
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/bin:$PATH"
run=$(mktemp -d) # mode 0700: sockets in it are ours alone
jobs=()
trap 'kill "${jobs[@]}" 2> /dev/null || true; wait; rm -rf "$run"' EXIT
out=${1:-$run/recorded}
mkdir -p "$out"
config=examples/trigger/chain.json
detectors=(timing_0 hsd_0 gmd_0 diode_0)

dgram-gen examples/runs/trigger-groups.yaml -o "$run/xtc/"

inputs=() outputs=()
for r in "${!detectors[@]}"; do
  inputs+=(--in "$r=unix-listen:$run/c$r")
  outputs+=(--out "$r=unix-listen:$run/r$r")
done
teb-decide --config $config --script examples/trigger/keep_peaks.py "${inputs[@]}" "${outputs[@]}" --result-ext \
  --mon-in "unix-listen:$run/free" --summary "$run/teb.json" &
jobs+=($!)

monitored=()
for r in "${!detectors[@]}"; do monitored+=(--mon "unix-listen:$run/m$r"); done
meb-route build --config $config "${monitored[@]}" --free "unix:$run/free" --client "$out/viewer.xtc2" \
  --summary "$run/meb.json" &
jobs+=($!)

for r in "${!detectors[@]}"; do
  input=("$run"/xtc/*-s00"$r"-*.xtc2)
  triginfo=()
  if ((r == 0)); then triginfo=(--triginfo); fi
  drp-python examples/trigger/primitive.py -u "${detectors[r]}" --ipc pipe -i "${input[0]}" --trigger-out "unix:$run/c$r" |
    eb-join --receiver "$r" --config $config --results "unix:$run/r$r" --record "$out/${detectors[r]}.xtc2" \
      --mon "unix:$run/m$r" --summary "$run/join$r.json" ${triginfo[@]+"${triginfo[@]}"} &
  jobs+=($!)
done

# One that fails ends all: the others would wait for it.
for _ in "${jobs[@]}"; do wait -n; done

echo "teb-decide: $(cat "$run/teb.json")"
for r in "${!detectors[@]}"; do
  echo "${detectors[r]}: $(dgram-cat --service L1Accept "$out/${detectors[r]}.xtc2" | wc -l) events recorded"
done
echo "for the viewer: $(cat "$run/meb.json")"
for file in "$out"/*.xtc2; do echo "${file##*/}: $(dgram-cat --check "$file")"; done
echo "an event with its decision:"
dgram-cat -d --detector triginfo --service L1Accept -n 1 "$out/timing_0.xtc2"
