"""lecroy."""

from typing import Any, List

from .. import pickles
from ..data.blob import as_array
from ..data.lecroy import MESSAGES, TYP, LecroyData, LecroyPacket
from ..data.packet import expect, packet_of, read_json
from ..event import StreamData, frame_bytes


def parse(data: StreamData) -> LecroyPacket:
    """The first part: a message, or the traces of one channel if two parts follow it."""
    expect(data, TYP)
    fields = read_json(data.frames[0])
    if isinstance(fields, dict) and fields.get("htype") == "traces":
        return _traces(data.frames)
    return packet_of(fields, "what", MESSAGES)


def parse_all(data: StreamData) -> List[LecroyPacket]:
    """Every packet of a frame: start, the traces of each channel, end."""
    expect(data, TYP)
    packets, at = [], 0
    while at < data.length:
        fields = read_json(data.frames[at])
        is_traces = isinstance(fields, dict) and fields.get("htype") == "traces"
        packets.append(_traces(data.frames[at:at + 3]) if is_traces else packet_of(fields, "what", MESSAGES))
        at += 3 if is_traces else 1
    return packets


def _traces(frames: List[Any]) -> LecroyData:
    packet = LecroyData(**read_json(frames[0]))
    if len(frames) > 1:
        packet.data = as_array(frames[1], packet.dtype, packet.shape)
    if len(frames) > 2 and pickles.accepted:
        packet.timestamps = pickles.loads(frame_bytes(frames[2]))
    return packet
