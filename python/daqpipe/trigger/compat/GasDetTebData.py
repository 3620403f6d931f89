"""Module of the class GasDetTebData."""

from daqpipe.trigger.views import GasDetTebData

__all__ = ["GasDetTebData"]
