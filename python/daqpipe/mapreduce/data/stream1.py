"""STINS: JSON in part 0, the image in part 1 (spec mapreduce.md 7)."""

import math
from typing import Any, Sequence, Union

from .. import bslz4
from .blob import as_array, size_of
from .packet import Packet


class Stream1Start(Packet):
    typ = "STINS"
    fixed = {"htype": ("header",)}
    required = {"msg_number": (int,), "filename": (str,)}


class Stream1Data(Packet):
    """
    ``data`` holds the image if it is not compressed. With ``bslz4`` there is no ``data``, as programs expect that decode ``frames[1]`` by
    themselves; ``array()`` decodes it here.
    """

    typ = "STINS"
    fixed = {"htype": ("image",)}
    required = {"msg_number": (int,), "frame": (int,), "shape": (list, tuple), "type": (str,), "compression": (str,)}
    _blob: Any = None

    def array(self) -> Any:
        """The image. :raises ValueError: if the blob is none of this shape and type, or has another compression"""
        if self.compression == "none":
            return as_array(self._blob, self.type, self.shape) if self._blob is not None else self.data
        if self.compression != "bslz4":
            raise ValueError("compression %r" % self.compression)
        raw = bslz4.decode(self._blob, math.prod(self.shape), size_of(self.type))
        return as_array(raw, self.type, self.shape)

    def header(self) -> Any:
        return {key: value for key, value in super().header().items() if key != "_blob"}

    def model_dump(self) -> Any:
        return {key: value for key, value in super().model_dump().items() if key != "_blob"}

    def parts(self) -> Sequence[Any]:
        if self._blob is not None:
            return [self._blob]
        data = getattr(self, "data", None)
        return [] if data is None else [data.tobytes() if hasattr(data, "tobytes") else data.data.tobytes()]


class Stream1End(Packet):
    typ = "STINS"
    fixed = {"htype": ("series_end",)}
    required = {"msg_number": (int,)}


Stream1Packet = Union[Stream1Start, Stream1Data, Stream1End]
KINDS = {"header": Stream1Start, "image": Stream1Data, "series_end": Stream1End}
