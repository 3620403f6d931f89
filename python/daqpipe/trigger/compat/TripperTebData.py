"""Module of the class TripperTebData."""

from daqpipe.trigger.views import TripperTebData

__all__ = ["TripperTebData"]
