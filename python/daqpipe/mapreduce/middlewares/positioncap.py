"""PCAP_RAW: text lines. The columns stand in the header only, so the parser keeps them."""

from datetime import datetime
from typing import List, Optional

from ..data.packet import expect
from ..data.pcap import read_time
from ..data.positioncap import PositionCapEnd, PositionCapField, PositionCapPacketType, PositionCapStart, PositionCapValues
from ..event import StreamData, frame_bytes


class PositioncapParser:
    """Keep one per stream: ``arm_time`` and ``fields`` are those of the last header."""

    def __init__(self) -> None:
        self.arm_time: Optional[datetime] = None
        self.fields: List[PositionCapField] = []

    def parse(self, data: StreamData) -> PositionCapPacketType:
        """:raises ValueError: for a header without a time, or a row without a header"""
        expect(data, "PCAP_RAW")
        text = frame_bytes(data.frames[0]).decode()
        if text.startswith("arm_time:"):
            return self._header(text)
        if text.startswith("END"):
            return PositionCapEnd()
        if self.arm_time is None:
            raise ValueError("a row of values, and no header has come")
        return PositionCapValues({field.name: field.parse(word) for field, word in zip(self.fields, text.split())})

    def _header(self, text: str) -> PositionCapStart:
        fields = []
        for line in text.splitlines():
            if line.startswith("arm_time: "):
                # Without its zone, as programs compare it with times that have none.
                self.arm_time = read_time(line[len("arm_time: "):].strip()).replace(tzinfo=None)
            elif line.startswith(" "):
                device, kind, quantity = (line.split() + ["", "", ""])[:3]
                fields.append(PositionCapField("%s.%s" % (device, quantity), kind))
        self.fields = fields
        if self.arm_time is None:
            raise ValueError("a header without arm_time")
        return PositionCapStart(self.arm_time)
