"""Module of the class EBeamTebData."""

from daqpipe.trigger.views import EBeamTebData

__all__ = ["EBeamTebData"]
