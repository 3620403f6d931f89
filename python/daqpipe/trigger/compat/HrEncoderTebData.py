"""Module of the class HrEncoderTebData."""

from daqpipe.trigger.views import HrEncoderTebData

__all__ = ["HrEncoderTebData"]
