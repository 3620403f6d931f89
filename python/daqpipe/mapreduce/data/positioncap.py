"""PCAP_RAW: the text lines of a position capture."""

from datetime import datetime, timezone
from typing import Any, Dict, Iterable, Optional, Union

from ..event import Frame, StreamData
from .packet import Packet


class PositionCapField(Packet):
    """A column: ``name`` is device and quantity, ``type`` that of its text, ``value`` that of one row."""

    required = {"name": (str,), "type": (str,)}

    def __init__(self, name: str, type: str, value: Optional[Any] = None) -> None:
        super().__init__(name=name, type=type, value=value)

    def parse(self, value: str) -> "PositionCapField":
        """:raises ValueError: for a text that is none of the type"""
        if self.type == "double":
            return PositionCapField(self.name, self.type, float(value))
        if self.type in ("uint32", "int32"):
            return PositionCapField(self.name, self.type, int(value))
        raise ValueError("a column of type %s" % self.type)


def _line(text: str) -> StreamData:
    return StreamData("PCAP_RAW", [Frame(text.encode())])


class PositionCapStart(Packet):
    def __init__(self, arm_time: datetime) -> None:
        super().__init__(arm_time=arm_time)

    def to_stream_data(self, fields: Iterable[PositionCapField] = ()) -> StreamData:
        time = self.arm_time
        if time.tzinfo is not None:
            time = time.astimezone(timezone.utc)
        lines = ["arm_time: %s" % time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"), "missed: 0", "process: Scaled", "format: ASCII", "fields:"]
        for field in fields:
            device, _, quantity = field.name.rpartition(".")
            lines.append(" %s %s %s" % (device, field.type, quantity))
        return _line("\n".join(lines) + "\n")


class PositionCapValues(Packet):
    def __init__(self, fields: Optional[Dict[str, PositionCapField]] = None) -> None:
        super().__init__(fields={} if fields is None else fields)

    def to_stream_data(self) -> StreamData:
        return _line(" " + " ".join(str(field.value) for field in self.fields.values()) + "\n")


class PositionCapEnd(Packet):
    def to_stream_data(self) -> StreamData:
        return _line("END 0 Disarmed\n")


PositionCapPacketType = Union[PositionCapStart, PositionCapValues, PositionCapEnd]
PositionCapPacket = PositionCapPacketType
