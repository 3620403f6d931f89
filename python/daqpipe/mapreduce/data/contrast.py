"""contrast: one pickled dictionary per message."""

from typing import Union

from .. import pickles
from ..event import Frame, StreamData
from .packet import Packet


class _Contrast(Packet):
    typ = "contrast"

    def to_stream_data(self) -> StreamData:
        return StreamData(self.typ, [Frame(pickles.dumps(self.model_dump()))])


class ContrastStarted(_Contrast):
    fixed = {"status": ("started",)}
    required = {"path": (str,), "scannr": (int,), "description": (str,)}


class ContrastRunning(_Contrast):
    fixed = {"status": ("running",)}
    required = {"dt": (float, int)}


class ContrastFinished(_Contrast):
    fixed = {"status": ("finished",)}
    required = {"path": (str,), "scannr": (int,), "description": (str,)}


class ContrastHeartbeat(_Contrast):
    fixed = {"status": ("heartbeat",)}


ContrastPacket = Union[ContrastStarted, ContrastRunning, ContrastFinished, ContrastHeartbeat]
KINDS = {"started": ContrastStarted, "running": ContrastRunning, "finished": ContrastFinished, "heartbeat": ContrastHeartbeat}
