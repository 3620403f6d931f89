"""Module of the class Piranha4TTTebData."""

from daqpipe.trigger.views import Piranha4TTTebData

__all__ = ["Piranha4TTTebData"]
