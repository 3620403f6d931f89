"""The same as :mod:`.xspress3`, under the name of its parser."""

from .xspress3 import COUNTERS, KINDS, XspressEnd, XspressImage, XspressPacket, XspressStart

__all__ = ["COUNTERS", "KINDS", "XspressEnd", "XspressImage", "XspressPacket", "XspressStart"]
