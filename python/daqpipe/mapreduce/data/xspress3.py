"""xspress: header, image with counters, series_end."""

from typing import Any, Sequence, Union

from .. import pickles
from .packet import Packet

#: names of the counters in the third part, in order
COUNTERS = ("ocr", "AllEvents", "AllGood", "ClockTicks", "TotalTicks", "ResetTicks", "event_widths", "dtc")


class XspressStart(Packet):
    typ = "xspress"
    fixed = {"htype": ("header",)}
    required = {"filename": (str,)}


class XspressImage(Packet):
    """``data`` is the spectra, ``meta`` the counters by name."""

    typ = "xspress"
    fixed = {"htype": ("image",)}
    required = {"frame": (int,), "shape": (list, tuple), "type": (str,)}

    def __init__(self, **fields: Any) -> None:
        super().__init__(**{"exptime": 1, "compression": "none", **fields})

    def parts(self) -> Sequence[Any]:
        data, meta = getattr(self, "data", None), getattr(self, "meta", {})
        return [] if data is None else [data.tobytes(), pickles.dumps([meta.get(name) for name in COUNTERS])]


class XspressEnd(Packet):
    typ = "xspress"
    fixed = {"htype": ("series_end",)}


XspressPacket = Union[XspressStart, XspressImage, XspressEnd]
KINDS = {"header": XspressStart, "image": XspressImage, "series_end": XspressEnd}
