"""PCAP."""

from ..data.packet import expect, packet_of, read_json
from ..data.pcap import KINDS, PCAPPacket
from ..event import StreamData


def parse(data: StreamData) -> PCAPPacket:
    """One frame: further fields are attributes; names with dots are in ``model_dump()``."""
    expect(data, "PCAP")
    return packet_of(read_json(data.frames[0]), "message_type", KINDS)
