"""Module of the class GmdTebData."""

from daqpipe.trigger.views import GmdTebData

__all__ = ["GmdTebData"]
