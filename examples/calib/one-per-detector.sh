#!/bin/bash
# A detector of four segments, read by two DRP processes: 1 and 3 by one, 5 and 7 by the other. Constants belong to the whole detector, so one
# calib-pub asks once with all serial numbers, and both DRPs subscribe to it. Needs nothing but daqpipe; ends by itself.
set -e
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
export XDG_RUNTIME_DIR=$work
trap 'kill $(jobs -p) 2>/dev/null; rm -rf "$work"' EXIT

# A service to ask: the constants of examples/calib/epix under the id of the detector with these serial numbers.
calib-serve "$here" --det epix=epix10ka:1,3,5,7 --log "$work/requests" > "$work/url" &
until [ -s "$work/url" ]; do sleep 0.05; done

# The publisher; it waits until both have subscribed, serves them, and ends.
calib-pub -d epix --scope detector --det epix=epix10ka:1,3,5,7 --source "$(head -1 "$work/url")" \
  --exp tst1 --run 12 --once --expect 2 --expect-timeout 60 &
publisher=$!

# What the two DRP processes get. In the DAQ: drp-python fex.py --calib local -D epix ...
calib-sub -d epix --save "$work/drp-1-3" &
first=$!
calib-sub -d epix --save "$work/drp-5-7" > /dev/null
wait $first $publisher

diff -r "$work/drp-1-3" "$work/drp-5-7" && echo "both have the same constants"
echo "$(grep -c gridfs "$work/requests") contents were fetched, for two DRPs"
