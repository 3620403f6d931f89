"""Numbers of the XTC2 format: sizes, offsets, type codes. All little endian, nothing is aligned."""

from struct import Struct
from typing import Dict, NamedTuple, Tuple

XTC = Struct("<IHHI")
"""src, damage, typeId, extent of an Xtc header."""
XTC_SIZE = 12
DGRAM = Struct("<IIIIHHI")
"""nanoseconds, seconds, env, then the root's src, damage, typeId, extent."""
DGRAM_SIZE = 24
EXTENT_AT = 20
"""Position of the root's extent in a dgram."""
SHAPE = Struct("<5I")
SHAPE_SIZE = 20
MAX_EXTENT = 0x7FFFFFFF

PARENT, SHAPESDATA, SHAPES, DATA, NAMES = range(5)

TEXT_SIZE = 256
INFO_SIZE = 1036
INFO_TYPE, INFO_NAME, INFO_ID, INFO_ALG, INFO_VERSION, INFO_SEGMENT = 4, 260, 516, 772, 1028, 1032
FIELD_SIZE = 524
FIELD_ALG, FIELD_VERSION, FIELD_NAME, FIELD_TYPE, FIELD_RANK = 0, 256, 260, 516, 520

MAX_RANK = 4
MAX_SLOTS = 5
"""Dimensions that a Shapes entry has room for; readers may decode that many."""

CORRUPTED = 0x8
"""Damage bit of a Parent whose payload must not be looked into."""

CONFIGURE, UNCONFIGURE, BEGIN_RUN, END_RUN, BEGIN_STEP, END_STEP = 2, 3, 4, 5, 6, 7
ENABLE, DISABLE, SLOW_UPDATE, END_OF_BATCH, L1_ACCEPT = 8, 9, 10, 11, 12


class ElementType(NamedTuple):
    """One of the element types a field can have."""

    code: int
    name: str
    """As users write it: ``uint8`` ... ``float64``, ``str``."""
    size: int
    char: str
    """Character of :mod:`struct` and :class:`memoryview`."""
    low: int
    high: int
    """Range of integers; both 0 for floats."""


def _integer(code: int, name: str, size: int, char: str, signed: bool) -> ElementType:
    bits = 8 * size
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return ElementType(code, name, size, char, low, high)


ELEMENT_TYPES: Tuple[ElementType, ...] = (
    _integer(0, "uint8", 1, "B", False),
    _integer(1, "uint16", 2, "H", False),
    _integer(2, "uint32", 4, "I", False),
    _integer(3, "uint64", 8, "Q", False),
    _integer(4, "int8", 1, "b", True),
    _integer(5, "int16", 2, "h", True),
    _integer(6, "int32", 4, "i", True),
    _integer(7, "int64", 8, "q", True),
    ElementType(8, "float32", 4, "f", 0, 0),
    ElementType(9, "float64", 8, "d", 0, 0),
    _integer(10, "str", 1, "B", False),
    _integer(11, "enum", 4, "i", True),
    _integer(12, "enumdict", 4, "i", True),
)
CHARSTR, ENUMVAL, ENUMDICT = 10, 11, 12
FLOATS = (8, 9)

TYPE_BY_NAME: Dict[str, ElementType] = {t.name: t for t in ELEMENT_TYPES}
UNPACK = tuple(Struct("<" + t.char).unpack_from for t in ELEMENT_TYPES)
"""By type code: reads one element."""
