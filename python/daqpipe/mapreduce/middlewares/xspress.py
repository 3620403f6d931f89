"""xspress."""

from .. import pickles
from ..data.blob import as_array
from ..data.packet import expect, packet_of, read_json
from ..data.xspress3 import COUNTERS, KINDS, XspressImage, XspressPacket
from ..event import StreamData, frame_bytes


def parse(data: StreamData) -> XspressPacket:
    """Images have ``data`` and ``meta``. :raises PickleRefused: for the counters, unless pickles are accepted"""
    expect(data, "xspress")
    packet = packet_of(read_json(data.frames[0]), "htype", KINDS)
    if isinstance(packet, XspressImage):
        expect(data, "xspress", 3)
        packet.data = as_array(data.frames[1], packet.type, packet.shape)
        packet.meta = dict(zip(COUNTERS, pickles.loads(frame_bytes(data.frames[2]))))
    return packet
