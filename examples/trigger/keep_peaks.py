"""Record events with a high peak, all events of slow detectors, and what the prescale asks for."""
from daqpipe.trigger import accept, mebs

accept("hsd_0", keys=("peak",))
HIGH = 3000


def decide(event):
    peak = event.get("hsd_0", {}).get("peak")            # None if the detector or the key is missing
    high = peak is not None and peak > HIGH
    return event.slow or high, mebs("ami") if high else 0
