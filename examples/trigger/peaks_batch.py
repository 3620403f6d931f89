"""Keep events with laser (event code 30) and a pulse height above 1000: many events in one call, columns instead of objects."""
from daqpipe.trigger import mebs

stateless = True                                         # several deciders may share the work


def decide_batch(events):
    laser = events.eventcode("timing_0", 30)
    height = events.col("det_0", "write", fill=0)
    return laser & (height > 1000) | (events.has("slow_0")), mebs()
