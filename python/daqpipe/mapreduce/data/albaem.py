"""albaem: JSON messages with the channels of an electrometer."""

from typing import Union

from .packet import Packet


class _Albaem(Packet):
    typ = "albaem"
    required = {"message_id": (int,), "version": (int,)}


class AlbaemStart(_Albaem):
    fixed = {"message_type": ("series-start",)}


class AlbaemData(_Albaem):
    fixed = {"message_type": ("data",)}
    required = {**_Albaem.required, "frame_number": (int,), "timestamp": (float, int), "acquisition_timestamp": (int,)}


class AlbaemEnd(_Albaem):
    fixed = {"message_type": ("series-end",)}


AlbaemPacket = Union[AlbaemStart, AlbaemData, AlbaemEnd]
KINDS = {"series-start": AlbaemStart, "data": AlbaemData, "series-end": AlbaemEnd}
