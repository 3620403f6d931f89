"""Module of the class TimingTebData."""

from daqpipe.trigger.views import TimingTebData

__all__ = ["TimingTebData"]
