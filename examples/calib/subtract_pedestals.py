"""
Subtracts pedestals, masks bad pixels, keeps the sum of what is above a threshold; raw data stay.

    dgram-gen examples/runs/area-camera.yaml | calib-pub -d epix:0 --expect 1 --from-stream - -o - --source constants/ |
        drp-python examples/calib/subtract_pedestals.py --calib local -D epix_0 -- 30 | dgram-cat -d

The argument behind -- is the threshold in detector units.
"""

import sys

import numpy as np

from daqpipe import drp

threshold = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0


def configure(cfg):
    global fex
    fex = cfg.add("calib", sum="float64", pixels="uint32")


def begin_run(run):
    global pedestals, good
    constants = run.constants[drp.settings().det_name]
    pedestals, doc = constants["pedestals"]
    good = constants["pixel_mask"][0] != 0 if "pixel_mask" in constants else np.True_
    print("pedestals %s of run %s, hash %s%s" % (pedestals.shape, doc.get("run"), run.constants.hash[:12],
                                                ", STALE" if run.constants.stale else ""))


def event(evt):
    image = evt.det.raw.image - pedestals
    seen = image[(image > threshold) & good]
    evt.add(fex, sum=float(seen.sum()), pixels=len(seen))
