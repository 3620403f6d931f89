"""Keep events with many peaks, and one of a hundred of the others; show events of slow detectors to AMI."""
from daqpipe.trigger import KEEP, accept, mebs

accept("andor_0", keys=("npeaks",), version=(1, 2))
few = 0


def decide(event):
    global few
    npeaks = event.get("andor_0", {}).get("npeaks")      # missing detector or key: None
    if npeaks is None:
        return KEEP                                      # = (True, 0)
    monitors = mebs("ami") if event.slow else 0
    if npeaks > 3:
        return True, monitors
    few += 1
    return few % 100 == 1, monitors
