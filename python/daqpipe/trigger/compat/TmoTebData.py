"""Module of the class TmoTebData."""

from daqpipe.trigger.views import TmoTebData

__all__ = ["TmoTebData"]
