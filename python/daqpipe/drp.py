"""
What scripts use: ``from daqpipe import drp``.

Functions, called by drp-python (only ``event`` or ``process_batch`` is required)::

    def configure(cfg):                  # every Configure
        global fex
        fex = cfg.add("fex", sum="float64", hist=("uint32", 1))

    def event(evt):                      # every L1Accept
        image = evt.det.raw.image
        evt.add(fex, sum=image.sum(), hist=...)
        evt.remove("raw")

Others: ``begin_run(run)``, ``end_run(end)``, ``begin_step``, ``end_step``, ``enable``, ``disable``, ``slow_update``, ``unconfigure``.

Or one loop::

    cfg = drp.configure()
    fex = cfg.add("fex", sum="float64")
    for evt in drp.events():
        evt.add(fex, sum=evt.det.raw.image.sum())
"""

from typing import Iterator, List

from . import stream as _runtime
from .batch import Batch
from .configuration import Configuration
from .constants import Constants
from .dgram import Dgram, Event, Service, Time
from .errors import (
    BadDefinition, BadDgram, BadValue, DaqpipeError, MissingConstants, MissingData, Misuse,
)
from .handle import Handle
from .run import Run
from .settings import Settings
from .xtc.shapesdata import Enum

__all__ = [
    "BadDefinition", "BadDgram", "BadValue", "Batch", "Configuration", "Constants", "DaqpipeError", "Dgram", "Enum", "Event", "Handle",
    "MissingConstants", "MissingData", "Misuse", "Run", "Service", "Time", "args", "configure", "dgrams", "events", "settings",
]


def configure() -> Configuration:
    """
    For scripts with a loop of their own: waits for Configure and returns it. Describe what you will add before you go on.

    The script ends here, quietly, if drp-python has nothing for it.

    :raises Misuse: if a Configure came already, or something else came first
    """
    stream = _runtime.active("drp.configure()")
    if stream.pulled:
        raise Misuse("drp.configure() comes once, before the first event")
    return stream.first()


def dgrams() -> Iterator[Dgram]:
    """All dgrams after Configure: transitions and events. Ends with Unconfigure, or when the input ends."""
    stream = _runtime.active("drp.dgrams()")
    if not stream.pulled:
        stream.first()
    while True:
        dgram = stream.pull()
        if dgram is None:
            return
        yield dgram


def events() -> Iterator[Event]:
    """The L1Accepts. ``evt.run`` leads to the run and its constants. Waits for Configure if :func:`configure` was not called."""
    for dgram in dgrams():
        if isinstance(dgram, Event):
            yield dgram


def settings() -> Settings:
    """How drp-python was started: detector, partition, worker number, limits."""
    return _runtime.active("drp.settings()").settings


def args() -> List[str]:
    """Arguments behind ``--`` on the command line of drp-python."""
    return list(settings().args)
