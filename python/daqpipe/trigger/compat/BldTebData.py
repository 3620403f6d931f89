"""Module of the class BldTebData."""

from daqpipe.trigger.views import BldTebData

__all__ = ["BldTebData"]
