"""contrast."""

from .. import pickles
from ..data.contrast import KINDS, ContrastPacket
from ..data.packet import expect, packet_of
from ..event import StreamData, frame_bytes


def parse(data: StreamData) -> ContrastPacket:
    """:raises PickleRefused: unless pickles are accepted: the whole message is one"""
    expect(data, "contrast")
    return packet_of(pickles.loads(frame_bytes(data.frames[0])), "status", KINDS)
