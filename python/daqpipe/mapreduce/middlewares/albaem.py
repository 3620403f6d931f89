"""albaem."""

from ..data.albaem import KINDS, AlbaemPacket
from ..data.packet import packet_of, read_json
from ..event import StreamData


def parse(data: StreamData) -> AlbaemPacket:
    return packet_of(read_json(data.frames[0]), "message_type", KINDS)
