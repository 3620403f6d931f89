"""
Photon finding on an area detector. Pixels above a threshold that touch each other are one photon; its energy and its centre of
gravity go into the event, the number of photons to the trigger, and the raw image, most of the bytes, stays behind.

    dgram-gen examples/runs/area-camera.yaml | drp-python examples/drp/photons.py -u epix_0 | dgram-cat -d

Options behind --:  --pedestal 100 --threshold 30 --adu 80   (in detector units). Pedestals from --constants win over --pedestal.
"""

import argparse
import sys

from daqpipe import drp

try:
    import numpy as np
except ImportError:
    sys.exit("photons.py needs numpy; choose a Python that has it with drp-python --python")

options = argparse.ArgumentParser(prog="photons.py")
options.add_argument("--pedestal", type=float, default=100.0, help="of every pixel, unless the run has constants")
options.add_argument("--threshold", type=float, default=30.0, help="above the pedestal")
options.add_argument("--adu", type=float, default=80.0, help="detector units per photon")
options = options.parse_args()

triggering = drp.settings().trigger_bytes > 0
pedestal = options.pedestal


def configure(cfg):
    global fex
    fex = cfg.add("fex", version=(1, 0, 0), n="uint32", x=("float32", 1), y=("float32", 1), energy=("float32", 1))
    # How it was made belongs into the data.
    settings = cfg.add("fexconfig", threshold="float64", adu="float64")
    cfg.write(settings, threshold=options.threshold, adu=options.adu)


def begin_run(run):
    global pedestal
    constants = run.constants.get(drp.settings().det_name, {})
    if "pedestals" in constants:
        pedestal, _ = constants["pedestals"]


def event(evt):
    image = evt.det.raw.image
    x, y, charge = find_photons(image - np.float32(pedestal) if np.isscalar(pedestal) else image - pedestal, options.threshold)
    evt.remove("raw")
    evt.add(fex, n=len(x), x=x, y=y, energy=charge / np.float32(options.adu))
    if triggering:
        evt.trigger({"npeaks": len(x)})


def find_photons(image, threshold):
    """Centres (column, row) and charges of groups of touching pixels above the threshold, as float32 arrays."""
    columns = image.shape[1]
    hits = np.flatnonzero(image > threshold)
    group = np.arange(len(hits))
    # Neighbours to the right and below; the others see us as theirs.
    a, b = touching(hits, 1, hits % columns < columns - 1), touching(hits, columns, np.ones(len(hits), bool))
    first, second = np.concatenate((a[0], b[0])), np.concatenate((a[1], b[1]))
    # The smallest number spreads through each group: as many rounds as its longest path, which is short for photons.
    while True:
        least = np.minimum(group[first], group[second])
        before = group.copy()
        np.minimum.at(group, first, least)
        np.minimum.at(group, second, least)
        if np.array_equal(before, group):
            break
    _, number = np.unique(group, return_inverse=True)
    value = image.ravel()[hits]
    charge = np.bincount(number, value)
    x = np.bincount(number, value * (hits % columns)) / charge
    y = np.bincount(number, value * (hits // columns)) / charge
    return x.astype("float32"), y.astype("float32"), charge.astype("float32")


def touching(hits, step, allowed):
    """Pairs (i, j) of hits with hits[j] = hits[i] + step."""
    j = np.searchsorted(hits, hits + step)
    found = allowed & (j < len(hits))
    found[found] = hits[j[found]] == (hits + step)[found]
    return np.flatnonzero(found), j[found]
