"""STINS."""

from ..data.blob import as_array
from ..data.packet import expect, packet_of, read_json
from ..data.stream1 import KINDS, Stream1Data, Stream1Packet
from ..event import StreamData


def parse(data: StreamData) -> Stream1Packet:
    """Images without compression have ``data``; others are as they came, in ``frames[1]``; ``array()`` decodes either."""
    expect(data, "STINS")
    packet = packet_of(read_json(data.frames[0]), "htype", KINDS)
    if isinstance(packet, Stream1Data) and data.length > 1:
        packet._blob = data.frames[1]
        if packet.compression == "none":
            packet.data = as_array(data.frames[1], packet.type, packet.shape)
    return packet
