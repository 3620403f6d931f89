"""Arrays in blobs."""

import math
import sys
from array import array
from typing import Any, Sequence

from ..event import NdArray, frame_bytes

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]

_CODES = {"uint8": "B", "uint16": "H", "uint32": "I", "uint64": "Q", "int8": "b", "int16": "h", "int32": "i", "int64": "q",
          "float32": "f", "float64": "d"}


def size_of(type_name: str) -> int:
    """Bytes of an element. :raises ValueError: for a type that detectors do not send"""
    if type_name not in _CODES:
        raise ValueError("elements of type %r" % (type_name,))
    return array(_CODES[type_name]).itemsize


def as_array(raw: Any, type_name: str, shape: Sequence[int]) -> Any:
    """
    Little-endian elements in C order as a numpy array, or as NdArray where there is no numpy.

    :raises ValueError: if shape and type need another number of bytes
    """
    size, raw = size_of(type_name), frame_bytes(raw)
    if math.prod(shape) * size != len(raw):
        raise ValueError("%s of %s do not fill %d bytes" % (list(shape), type_name, len(raw)))
    if numpy is not None:
        return numpy.frombuffer(raw, numpy.dtype(type_name).newbyteorder("<")).reshape(shape)
    flat = array(_CODES[type_name])
    flat.frombytes(raw)
    if sys.byteorder == "big":
        flat.byteswap()
    return NdArray(shape, flat)
