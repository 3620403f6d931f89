"""sardana."""

from ..data.packet import expect, packet_of, read_json
from ..data.sardana import KINDS, SardanaPacketType
from ..event import StreamData


def parse(data: StreamData) -> SardanaPacketType:
    expect(data, "sardana")
    return packet_of(read_json(data.frames[0]), "type", KINDS)
