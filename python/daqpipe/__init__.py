"""Python in the data path of a DRP: what scripts import that drp-python runs. See :mod:`daqpipe.drp`."""

from . import drp
from .drp import configure, dgrams, events

__all__ = ["configure", "dgrams", "drp", "events"]
__version__ = "0.1.0"
