"""sardana: what the scan software posts over HTTP."""

from typing import Union

from .packet import Packet


class SardanaDataDescription(Packet):
    typ = "sardana"
    fixed = {"type": ("DataDescription",)}
    required = {"serialno": (int,), "scandir": (str,), "title": (str,)}


class SardanaRecordData(Packet):
    typ = "sardana"
    fixed = {"type": ("RecordData",)}
    required = {"timestamp": (float, int)}


class SardanaRecordEnd(Packet):
    typ = "sardana"
    fixed = {"type": ("RecordEnd",)}


SardanaPacketType = Union[SardanaDataDescription, SardanaRecordData, SardanaRecordEnd]
SardanaPacket = SardanaPacketType
KINDS = {"DataDescription": SardanaDataDescription, "RecordData": SardanaRecordData, "RecordEnd": SardanaRecordEnd}
