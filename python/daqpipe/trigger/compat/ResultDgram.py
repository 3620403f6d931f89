"""Module of the class ResultDgram."""

from daqpipe.trigger.dgrams import ResultDgram

__all__ = ["ResultDgram"]
