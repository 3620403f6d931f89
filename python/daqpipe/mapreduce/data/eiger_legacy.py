"""EIGER_LEGACY: multipart messages of the older detector interface."""

from typing import Union

from .packet import Packet


class EigerLegacyHeader(Packet):
    """``info`` and ``appendix`` are parts 1 and 8."""

    typ = "EIGER_LEGACY"
    fixed = {"htype": ("dheader-1.0",)}


class EigerLegacyImage(Packet):
    """``data`` holds shape, type, encoding and ``buffer``; ``config`` the times."""

    typ = "EIGER_LEGACY"
    fixed = {"htype": ("dimage-1.0",)}
    required = {"frame": (int,)}


class EigerLegacyEnd(Packet):
    typ = "EIGER_LEGACY"
    fixed = {"htype": ("dseries_end-1.0",)}


EigerLegacyPacket = Union[EigerLegacyHeader, EigerLegacyImage, EigerLegacyEnd]
KINDS = {"dheader-1.0": EigerLegacyHeader, "dimage-1.0": EigerLegacyImage, "dseries_end-1.0": EigerLegacyEnd}
