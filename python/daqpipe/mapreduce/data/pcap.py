"""PCAP: JSON messages; a frame is one element of each list of a data message."""

from datetime import datetime
from typing import Any, Union

from .packet import Packet


def read_time(text: str) -> datetime:
    """ISO 8601; Python before 3.11 does not know the Z. :raises ValueError"""
    return datetime.fromisoformat(text[:-1] + "+00:00" if text.endswith("Z") else text)


class _Pcap(Packet):
    typ = "PCAP"
    required = {"message_id": (int,), "version": (int,)}


class PCAPStart(_Pcap):
    fixed = {"message_type": ("series-start",)}

    def __init__(self, **fields: Any) -> None:
        arm_time = fields.get("arm_time")
        if isinstance(arm_time, str):
            fields["arm_time"] = read_time(arm_time)
        elif not isinstance(arm_time, datetime):
            raise ValueError("PCAPStart: arm_time is %r" % (arm_time,))
        super().__init__(**fields)

    def header(self) -> Any:
        return {**super().header(), "arm_time": self.arm_time.isoformat()}


class PCAPData(_Pcap):
    fixed = {"message_type": ("data",)}
    required = {**_Pcap.required, "frame_number": (int,)}


class PCAPEnd(_Pcap):
    fixed = {"message_type": ("series-end",)}


PCAPPacket = Union[PCAPStart, PCAPData, PCAPEnd]
KINDS = {"series-start": PCAPStart, "data": PCAPData, "series-end": PCAPEnd}
