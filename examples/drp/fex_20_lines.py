"""Integrates every waveform and keeps its peak:  dgram-gen | drp-python examples/drp/fex_20_lines.py -u hsd_0 | dgram-cat -d"""

from daqpipe import drp


def configure(cfg):
    global fex
    print("worker", drp.settings().worker, "finds", cfg.det.algorithms)
    fex = cfg.add("fex", sum="int64", peak="uint16", peak_at="uint32")


def event(evt):
    wave = evt.det.raw.waveform              # a view of the event's bytes: numpy array, or memoryview
    channel = wave.tolist()[0]
    peak = max(channel)
    evt.add(fex, sum=sum(channel), peak=peak, peak_at=channel.index(peak))


def end_run(end):
    print("the run ended at", end.time.sec)
