"""Module of the class XGmdTebData."""

from daqpipe.trigger.views import XGmdTebData

__all__ = ["XGmdTebData"]
