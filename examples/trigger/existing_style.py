"""A script for the existing system, as it is: record by event code, deal the monitors in turn."""
from itertools import cycle

from psdaq.trigger import tebTrigger
from psdaq.TimingTebData import TimingTebData

ds = tebTrigger.TriggerDataSource()
timing = ds.detector("timing_0", TimingTebData)
turns = cycle([1 << meb for meb in range(4) if ds.mebs() >> meb & 1] or [0])

for event in ds.events():
    data = timing.trigger(event)
    laser = data is not None and data.has_eventcode(30)
    ds.result(laser, next(turns) if laser else 0)
