"""Module of the class PhaseCavityTebData."""

from daqpipe.trigger.views import PhaseCavityTebData

__all__ = ["PhaseCavityTebData"]
