"""Module of the class EbDgram."""

from daqpipe.trigger.dgrams import EbDgram

__all__ = ["EbDgram"]
