"""lecroy: messages of an oscilloscope and its traces."""

from typing import Union

from .packet import Packet

TYP = "lecroy_9fwdWp6Rq7"


class LecroyBase(Packet):
    typ = TYP
    required = {"frame": (int,)}


class LecroyMessage(LecroyBase):
    fixed = {"htype": ("msg",), "what": (0, 1, 2, 3)}


class LecroyPrepare(LecroyMessage):
    fixed = {"htype": ("msg",), "what": (0,)}


class LecroyStart(LecroyMessage):
    fixed = {"htype": ("msg",), "what": (1,)}


class LecroySequence(LecroyMessage):
    fixed = {"htype": ("msg",), "what": (2,)}


class LecroyEnd(LecroyMessage):
    fixed = {"htype": ("msg",), "what": (3,)}


class LecroyData(LecroyBase):
    """``data`` is the traces; ``timestamps`` the times of their triggers."""

    fixed = {"htype": ("traces",)}
    required = {"ch": (int,), "ts": (float, int), "frame": (int,), "shape": (list, tuple), "dtype": (str,)}


LecroyPacket = Union[LecroyMessage, LecroyData]
MESSAGES = {0: LecroyPrepare, 1: LecroyStart, 2: LecroySequence, 3: LecroyEnd}
