"""Arrays in and out of dgrams: numpy views when numpy is there, memoryviews with format and shape when not."""

import struct
from typing import Any, List, Sequence, Tuple

from ..errors import BadValue
from .layout import FLOATS, ElementType
from .names import Field

try:
    import numpy
except Exception:  # A broken numpy counts as none: the worker says which one it has.
    numpy = None

Shape = Tuple[int, ...]
DTYPES = None
"""numpy dtypes by type code, if numpy is there."""
if numpy is not None:
    DTYPES = tuple(numpy.dtype(name) for name in (
        "<u1", "<u2", "<u4", "<u8", "<i1", "<i2", "<i4", "<i8", "<f4", "<f8", "<u1", "<i4", "<i4"))


def array_view(view: memoryview, at: int, element: ElementType, shape: Shape) -> Any:
    """The array at `at`, not copied and read-only if `view` is."""
    if DTYPES is not None:
        return numpy.ndarray(shape, DTYPES[element.code], view, at)
    return shaped_view(view, at, element, shape)


def shaped_view(view: memoryview, at: int, element: ElementType, shape: Shape) -> memoryview:
    """The array without numpy. One without elements is flat, because a memoryview has no dimension 0 among others."""
    size = element.size
    for dimension in shape:
        size *= dimension
    flat = view[at:at + size]
    if size == 0:
        return flat.cast(element.char)
    return flat.cast(element.char, shape)


class Source:
    """A checked value of an array field, ready to be written."""

    __slots__ = ("shape", "size", "data", "code")

    def __init__(self, shape: Shape, size: int, data: Any, code: int) -> None:
        self.shape = shape
        self.size = size
        self.data = data
        """Bytes in C order, or a numpy array that is not contiguous."""
        self.code = code

    def write(self, out: memoryview, at: int) -> None:
        """Writes the elements, row-major, into `out` from `at` on."""
        if not self.size:
            return
        if isinstance(self.data, (memoryview, bytes)):
            out[at:at + self.size] = self.data
        else:
            numpy.ndarray(self.shape, DTYPES[self.code], out, at)[...] = self.data


def array_source(field: Field, value: Any) -> Source:
    """
    Checks the value of an array field: element type and rank must be the field's. Lists of numbers are converted.

    :raises BadValue: naming the field, what it needs and what it got
    """
    if numpy is not None and isinstance(value, numpy.ndarray):
        if value.dtype != DTYPES[field.code]:
            raise BadValue("field %s needs dtype %s, got %s: use .astype(%r)"
                           % (field.name, field.type.name, value.dtype, field.type.name))
        return _of_array(field, value)
    try:
        view = memoryview(value)
    except TypeError:
        return _of_list(field, value)
    return _of_buffer(field, view)


def _of_array(field: Field, value: Any) -> Source:
    if value.ndim != field.rank:
        raise BadValue("field %s needs rank %d, got rank %d (shape %s)" % (field.name, field.rank, value.ndim, value.shape))
    size = value.nbytes
    data = value if size and not value.flags.c_contiguous else memoryview(value).cast("B") if size else b""
    return Source(value.shape, size, data, field.code)


_KINDS = {"b": "i", "h": "i", "i": "i", "l": "i", "q": "i", "n": "i", "B": "u", "H": "u", "I": "u", "L": "u", "Q": "u",
          "N": "u", "f": "f", "d": "f"}


def _of_buffer(field: Field, view: memoryview) -> Source:
    letter = view.format.lstrip("@=<")
    kind = "f" if field.code in FLOATS else "i" if field.type.low < 0 else "u"
    if _KINDS.get(letter) != kind or view.itemsize != field.type.size:
        raise BadValue("field %s needs elements of %s, got a buffer of format %r with %d bytes each"
                       % (field.name, field.type.name, view.format, view.itemsize))
    if view.ndim != field.rank:
        raise BadValue("field %s needs rank %d, got rank %d (shape %s)" % (field.name, field.rank, view.ndim, view.shape))
    data = view.tobytes() if not view.c_contiguous or not view.nbytes else view.cast("B")
    return Source(view.shape, view.nbytes, data, field.code)


def _of_list(field: Field, value: Any) -> Source:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise BadValue("field %s needs an array of %s with rank %d, got %s"
                       % (field.name, field.type.name, field.rank, type(value).__name__))
    shape = _shape_of(field, value)
    flat: List[Any] = []
    _flatten(field, value, shape, flat)
    try:
        data = struct.pack("<%d%s" % (len(flat), field.type.char), *flat)
    except (struct.error, TypeError, OverflowError) as error:
        raise BadValue("field %s (%s) cannot hold the list: %s" % (field.name, field.type.name, error)) from None
    return Source(shape, len(data), data, field.code)


def _shape_of(field: Field, value: Any) -> Shape:
    shape: List[int] = []
    level = value
    while isinstance(level, Sequence) and not isinstance(level, (str, bytes)):
        shape.append(len(level))
        if not level:
            break
        level = level[0]
    # An empty list says nothing about the dimensions inside it.
    if shape and shape[-1] == 0 and len(shape) < field.rank:
        shape += [0] * (field.rank - len(shape))
    if len(shape) != field.rank:
        raise BadValue("field %s needs rank %d, got a list of rank %d" % (field.name, field.rank, len(shape)))
    return tuple(shape)


def _flatten(field: Field, value: Any, shape: Shape, flat: List[Any]) -> None:
    if not isinstance(value, Sequence) or len(value) != shape[0]:
        raise BadValue("field %s: the list is not rectangular" % field.name)
    if len(shape) == 1:
        flat.extend(value)
        return
    for row in value:
        _flatten(field, row, shape[1:], flat)
