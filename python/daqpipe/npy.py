"""Arrays from .npy files without numpy: a memoryview with format and shape."""

import ast
import struct
from typing import Any, Tuple

from .errors import BadDgram
from .xtc.arrays import numpy, shaped_view
from .xtc.layout import ELEMENT_TYPES, ElementType

_MAGIC = b"\x93NUMPY"
_BY_DTYPE = {kind + str(t.size): t for t, kind in zip(ELEMENT_TYPES[:10], "uuuuiiiiff")}
_BY_DTYPE["b1"] = ELEMENT_TYPES[0]


def read_npy(path: str) -> Any:
    """
    The array in the file, read-only: a numpy array, or without numpy a memoryview.

    :raises BadDgram: if the file is no such array, holds Python objects, or has an element type that dgrams do not know
    """
    if numpy is not None:
        try:
            array = numpy.load(path, allow_pickle=False)
        except ValueError as error:
            raise BadDgram("%s: %s" % (path, error)) from None
        array.flags.writeable = False
        return array
    with open(path, "rb") as file:
        return _parse(path, file.read())


def _parse(path: str, stored: bytes) -> memoryview:
    if stored[:6] != _MAGIC or len(stored) < 10:
        raise BadDgram("%s is no .npy file" % path)
    length, start = (struct.unpack_from("<H", stored, 8)[0], 10) if stored[6] == 1 else (struct.unpack_from("<I", stored, 8)[0], 12)
    try:
        header = ast.literal_eval(stored[start:start + length].decode("utf-8"))
        element, shape = _element(header["descr"]), tuple(header["shape"])
        fortran = header["fortran_order"]
    except (KeyError, SyntaxError, TypeError, ValueError, UnicodeDecodeError) as error:
        raise BadDgram("%s: its header cannot be read: %s" % (path, error)) from None
    if fortran and len(shape) > 1:
        raise BadDgram("%s is in Fortran order; that needs numpy" % path)
    size = element.size
    for dimension in shape:
        size *= dimension
    if start + length + size > len(stored):
        raise BadDgram("%s is cut short" % path)
    return shaped_view(memoryview(stored), start + length, element, shape)


def _element(descr: Any) -> "ElementType":
    text: Tuple[str, str] = (descr[0], descr[1:])
    if text[0] not in "<|=" or text[1] not in _BY_DTYPE:
        raise ValueError("element type %r" % (descr,))
    return _BY_DTYPE[text[1]]
