"""EIGER_LEGACY."""

from ..data.eiger_legacy import KINDS, EigerLegacyHeader, EigerLegacyImage, EigerLegacyPacket
from ..data.packet import expect, packet_of, read_json
from ..event import StreamData, frame_bytes


def parse(data: StreamData) -> EigerLegacyPacket:
    """A header of nine parts has ``info`` and ``appendix``; an image of five has ``data`` with its ``buffer``, and ``config``."""
    expect(data, "EIGER_LEGACY")
    packet = packet_of(read_json(data.frames[0]), "htype", KINDS)
    if isinstance(packet, EigerLegacyHeader) and data.length == 9:
        packet.info = read_json(data.frames[1])
        packet.appendix = read_json(data.frames[8])
    if isinstance(packet, EigerLegacyImage):
        expect(data, "EIGER_LEGACY", 4)
        packet.data = {**read_json(data.frames[1]), "buffer": frame_bytes(data.frames[2])}
        packet.config = read_json(data.frames[3])
    return packet
