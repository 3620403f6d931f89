"""
Many events at once: mean, minimum and maximum of every waveform, computed over whole batches. With numpy the waveforms of a batch
are one array over the shared memory; without it the same script works on lists.

    dgram-gen -n 10000 | drp-python examples/drp/batch_mean.py -u hsd_0 | dgram-cat --stats
"""

from daqpipe import drp

try:
    import numpy as np
except ImportError:
    np = None


def configure(cfg):
    global fex
    fex = cfg.add("stats", mean="float64", low="uint16", high="uint16")


def process_batch(batch):
    waves = batch.stack("det.raw.waveform")          # shape (n, channels, samples)
    if np is not None:
        rows = waves.reshape(len(batch), -1)
        batch.add(fex, mean=rows.mean(axis=1), low=rows.min(axis=1), high=rows.max(axis=1))
    else:
        rows = [wave.tolist()[0] for wave in waves]
        batch.add(fex, mean=[sum(row) / len(row) for row in rows], low=[min(row) for row in rows], high=[max(row) for row in rows])


def end_run(end):
    print("worker %d is done with the run" % drp.settings().worker)
