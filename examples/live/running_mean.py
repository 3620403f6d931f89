"""
The running mean of a number, of whatever events are recent. In another terminal:

    dgram-gen -n 0 --rate 120 | shmem-serve demo

    PYTHONPATH=python python3 examples/live/running_mean.py demo gmd raw energy
"""

import sys

from daqpipe import live

tag, detector, algorithm, field = sys.argv[1:5]
last = int(sys.argv[5]) if len(sys.argv) > 5 else 0
count, total = 0, 0.0
for evt in live.events(tag, reconnect=True):
    segment = next(iter(evt[detector]))
    block = segment[algorithm]
    if not block:
        continue  # this detector did not fire
    count += 1
    total += float(block[field])
    print("%s %s, event %d: mean %.3f" % (detector, field, count, total / count), flush=True)
    if count == last:
        break
