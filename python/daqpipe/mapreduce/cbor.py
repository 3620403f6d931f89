"""
Just enough CBOR (RFC 8949) for results: numbers, texts, bytes, lists, dicts, None, bool; arrays as typed arrays (RFC 8746: tags 64 to
87) and, if they have a shape, tag 40 over [shape, typed array]. Without numpy arrays are ``array.array``, or NdArray with a shape.
"""

import math
import struct
import sys
from array import array
from typing import Any, Callable, Dict, List, Tuple

from .event import NdArray

try:
    import numpy
except ImportError:
    numpy = None  # type: ignore[assignment]

MAX_DEPTH = 64
_SHAPED, _SHAPED_COLUMN = 40, 1040
_POSITIVE_BIG, _NEGATIVE_BIG = 2, 3

#: kind and size -> tag of the little-endian typed array
_TAGS: Dict[Tuple[str, int], int] = {
    ("u", 1): 64, ("u", 2): 69, ("u", 4): 70, ("u", 8): 71,
    ("i", 1): 72, ("i", 2): 77, ("i", 4): 78, ("i", 8): 79,
    ("f", 2): 84, ("f", 4): 85, ("f", 8): 86,
}
_BIG_ENDIAN = {65: "u2", 66: "u4", 67: "u8", 73: "i2", 74: "i4", 75: "i8", 80: "f2", 81: "f4", 82: "f8"}
_DTYPES = {tag: "%s%d" % key for key, tag in _TAGS.items()}
_DTYPES[68] = "u1"
_ARRAY_CODES = {"u1": "B", "u2": "H", "u4": "I", "u8": "Q", "i1": "b", "i2": "h", "i4": "i", "i8": "q", "f4": "f", "f8": "d"}
_SWAP = sys.byteorder == "big"


class BadCbor(ValueError):
    """Bytes that are no CBOR, or hold what is not read here."""


def _head(major: int, value: int) -> bytes:
    major <<= 5
    if value < 24:
        return bytes((major | value,))
    if value < 0x100:
        return bytes((major | 24, value))
    if value < 0x10000:
        return struct.pack(">BH", major | 25, value)
    if value < 0x100000000:
        return struct.pack(">BI", major | 26, value)
    return struct.pack(">BQ", major | 27, value)


def dumps(value: Any) -> bytes:
    """
    :raises TypeError: for a value that has no form here
    :raises ValueError: for one that is nested deeper than 64
    """
    pieces: List[Any] = []
    _write(value, pieces.append, 0)
    return b"".join(pieces)


_FLOAT = struct.Struct(">Bd")


def _write(value: Any, put: Callable[[Any], None], depth: int) -> None:
    kind = type(value)
    if kind is str:
        data = value.encode()
        put(_head(3, len(data)))
        put(data)
    elif kind is int:
        _write_int(value, put)
    elif kind is float:
        put(_FLOAT.pack(0xFB, value))
    elif value is None:
        put(b"\xf6")
    elif kind is bool:
        put(b"\xf5" if value else b"\xf4")
    elif depth >= MAX_DEPTH:
        raise ValueError("a value nested deeper than %d" % MAX_DEPTH)
    elif kind is dict:
        _write_dict(value, put, depth)
    elif kind is list or kind is tuple:
        put(_head(4, len(value)))
        for item in value:
            _write(item, put, depth + 1)
    elif numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
        _write_numpy(value, put, depth)
    else:
        _write_rare(value, put, depth)


def _write_int(value: int, put: Callable[[Any], None]) -> None:
    if -(1 << 64) <= value < 1 << 64:
        put(_head(0, value) if value >= 0 else _head(1, -1 - value))
        return
    magnitude = value if value >= 0 else -1 - value
    data = magnitude.to_bytes((magnitude.bit_length() + 7) // 8, "big")
    put(_head(6, _POSITIVE_BIG if value >= 0 else _NEGATIVE_BIG))
    put(_head(2, len(data)))
    put(data)


def _write_dict(value: Any, put: Callable[[Any], None], depth: int) -> None:
    put(_head(5, len(value)))
    for key, item in value.items():
        _write(key, put, depth + 1)
        _write(item, put, depth + 1)


def _write_rare(value: Any, put: Callable[[Any], None], depth: int) -> None:
    if isinstance(value, (bytes, bytearray, memoryview)) and getattr(value, "format", "B") == "B":
        put(_head(2, len(value)))
        put(bytes(value))
    elif isinstance(value, array):
        _write_array(value, put)
    elif isinstance(value, NdArray):
        put(_head(6, _SHAPED) + _head(4, 2))
        _write(list(value.shape), put, depth + 1)
        _write(value.data, put, depth + 1)
    elif isinstance(value, dict):
        _write_dict(value, put, depth)
    elif isinstance(value, (list, tuple, set, frozenset)):
        _write(list(value), put, depth)
    elif isinstance(value, (str, int, float)):
        plain: Any = str(value) if isinstance(value, str) else int(value) if isinstance(value, int) else float(value)
        _write(plain, put, depth)
    elif hasattr(value, "model_dump"):
        _write(value.model_dump(), put, depth)
    else:
        raise TypeError(
            "a %s cannot travel; numbers, texts, bytes, lists, dicts and arrays can, anything else with --result-encoding pickle"
            % type(value).__name__
        )


def _write_array(value: array, put: Callable[[Any], None]) -> None:
    code = value.typecode
    if code not in "bBhHiIlLqQfd":
        raise TypeError("an array of %r cannot travel" % code)
    kind = "f" if code in "fd" else "u" if code.isupper() else "i"
    if _SWAP:
        value = array(code, value)
        value.byteswap()
    _typed(_TAGS[kind, value.itemsize], value.tobytes(), put)


def _typed(tag: int, data: Any, put: Callable[[Any], None]) -> None:
    put(_head(6, tag) + _head(2, len(data)))
    put(data)


def _write_numpy(value: Any, put: Callable[[Any], None], depth: int) -> None:
    if value.ndim == 0:
        _write(value.item(), put, depth + 1)
        return
    if value.dtype == bool or value.dtype.kind not in "uif" or (value.dtype.kind, value.dtype.itemsize) not in _TAGS:
        if value.dtype.kind == "b":
            # RFC 8746 has no typed array of bool.
            value = value.astype("u1")
        elif value.dtype.kind in "US":
            _write(value.tolist(), put, depth + 1)
            return
        else:
            raise TypeError("an array of %s cannot travel" % value.dtype)
    dtype = value.dtype.newbyteorder("<")
    flat = numpy.ascontiguousarray(value, dtype=dtype)
    if value.ndim != 1:
        put(_head(6, _SHAPED) + _head(4, 2) + _head(4, value.ndim))
        for length in value.shape:
            put(_head(0, length))
    _typed(_TAGS[dtype.kind, dtype.itemsize], flat.tobytes(), put)


def loads(data: Any) -> Any:
    """
    The one value of `data`. Numpy arrays are copies, so that user code may change them.

    :raises BadCbor: for anything else
    """
    view = memoryview(data)
    reader = _Reader(bytes(view) if not isinstance(data, bytes) else data)
    try:
        value = reader.item(0)
    except (IndexError, struct.error):
        raise BadCbor("the value is cut off") from None
    except BadCbor:
        raise
    except (ValueError, TypeError, OverflowError) as error:
        raise BadCbor(str(error)) from None
    if reader.at != len(view):
        raise BadCbor("%d bytes follow the value" % (len(view) - reader.at))
    return value


_HALF, _SINGLE, _DOUBLE = struct.Struct(">e"), struct.Struct(">f"), struct.Struct(">d")
_SIZES = {24: struct.Struct(">B"), 25: struct.Struct(">H"), 26: struct.Struct(">I"), 27: struct.Struct(">Q")}
_SIMPLE = {20: False, 21: True, 22: None, 23: None}
_BREAK = object()


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def value(self, depth: int) -> Any:
        """A value; the mark at the end of an indefinite one is ``_BREAK``."""
        if depth > MAX_DEPTH:
            raise BadCbor("a value nested deeper than %d" % MAX_DEPTH)
        first = self.data[self.at]
        self.at += 1
        major, low = first >> 5, first & 31
        if major == 7:
            return self._simple(low)
        if low == 31:
            return self._indefinite(major, depth)
        length = low if low < 24 else self._number(low)
        if major == 0:
            return length
        if major == 1:
            return -1 - length
        if major == 2:
            return self._bytes(length)
        if major == 3:
            return str(self._bytes(length), "utf-8")
        if major == 4:
            self._fits(length)
            return [self.item(depth) for _ in range(length)]
        if major == 5:
            self._fits(2 * length)
            return {self.item(depth): self.item(depth) for _ in range(length)}
        return self._tagged(length, self.item(depth))

    def item(self, depth: int) -> Any:
        """A value."""
        value = self.value(depth + 1)
        if value is _BREAK:
            raise BadCbor("an end where there is no beginning")
        return value

    def _fits(self, count: int) -> None:
        if count > len(self.data) - self.at:
            raise BadCbor("a list longer than what holds it")

    def _number(self, low: int) -> int:
        if low not in _SIZES:
            raise BadCbor("additional information %d" % low)
        form = _SIZES[low]
        (number,) = form.unpack_from(self.data, self.at)
        self.at += form.size
        return int(number)

    def _bytes(self, length: int) -> bytes:
        end = self.at + length
        if end > len(self.data):
            raise BadCbor("a string longer than what holds it")
        found = self.data[self.at:end]
        self.at = end
        return found

    def _simple(self, low: int) -> Any:
        if low in (25, 26, 27):
            form = (_HALF, _SINGLE, _DOUBLE)[low - 25]
            (number,) = form.unpack_from(self.data, self.at)
            self.at += form.size
            return number
        if low == 31:
            return _BREAK
        if low not in _SIMPLE:
            raise BadCbor("simple value %d" % low)
        return _SIMPLE[low]

    def _indefinite(self, major: int, depth: int) -> Any:
        if major not in (2, 3, 4, 5):
            raise BadCbor("an indefinite length where there is none")
        items = []
        while True:
            item = self.value(depth + 1)
            if item is _BREAK:
                break
            items.append(item)
        if major == 2 or major == 3:
            return (b"" if major == 2 else "").join(items)
        if major == 4:
            return items
        if len(items) % 2 == 1:
            raise BadCbor("a key without a value")
        return dict(zip(items[::2], items[1::2]))

    def _tagged(self, tag: int, value: Any) -> Any:
        if tag in _DTYPES or tag in _BIG_ENDIAN:
            return _typed_array(tag, value)
        if tag == _SHAPED or tag == _SHAPED_COLUMN:
            return _shaped(value, tag == _SHAPED_COLUMN)
        if tag == _POSITIVE_BIG or tag == _NEGATIVE_BIG:
            number = int.from_bytes(value, "big")
            return number if tag == _POSITIVE_BIG else -1 - number
        # Other tags say something about a value that is readable without them.
        return value


def _typed_array(tag: int, data: Any) -> Any:
    if not isinstance(data, bytes):
        raise BadCbor("a typed array that is no byte string")
    dtype = _DTYPES.get(tag) or _BIG_ENDIAN[tag]
    if len(data) % int(dtype[1:]) != 0:
        raise BadCbor("a typed array of %s with %d bytes" % (dtype, len(data)))
    order = "<" if tag in _DTYPES else ">"
    if numpy is not None:
        return numpy.frombuffer(data, dtype=order + dtype).astype(dtype)
    if dtype == "f2":
        return array("f", [x for (x,) in struct.iter_unpack(order + "e", data)])
    found = array(_ARRAY_CODES[dtype])
    found.frombytes(data)
    if (order == ">") != _SWAP:
        found.byteswap()
    return found


def _shaped(value: Any, columns: bool) -> Any:
    if not isinstance(value, list) or len(value) != 2:
        raise BadCbor("an array that is not [shape, elements]")
    shape, elements = value
    if not hasattr(shape, "__len__") or not hasattr(elements, "__len__"):
        raise BadCbor("an array that is not [shape, elements]")
    shape = tuple(int(length) for length in shape)
    if any(length < 0 for length in shape) or math.prod(shape) != len(elements):
        raise BadCbor("%d elements do not have the shape %s" % (len(elements), shape))
    if numpy is not None:
        return numpy.asarray(elements).reshape(shape, order="F" if columns else "C")
    if columns:
        raise BadCbor("an array in column order; that needs numpy")
    return NdArray(shape, elements)
