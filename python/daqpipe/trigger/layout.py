"""
Where the contributions of a batch lie. Events of one kind, of the same sources with primitives of the same lengths, lie alike: a group of
them is the rows of a table of bytes, and a field of theirs is a column of it.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple

from ..xtc.arrays import numpy
from .protocol import ENTRY, HEADER_BYTES, RECORD, SRC_MASK

_entry, _header = ENTRY.unpack_from, RECORD.unpack_from
Places = Dict[int, Tuple[int, int]]
"""Source -> begin and end of its primitive, from the beginning of the event's entry."""
_SHAPE = numpy.array([20, 21, 22, 23, 28, 29, 30, 31]) if numpy is not None else None
"""Bytes of a header that say how an event is laid out: source and extent."""
_ENTRY_SHAPE = [8, 9, 12, 13, 14, 15]
"""The same of an entry: contributions and bytes."""


class Group:
    """Events that lie alike: which ones, their bytes as rows, and where sources lie in a row."""

    __slots__ = ("indices", "rows", "places")

    def __init__(self, indices: Any, rows: Any, places: Places) -> None:
        self.indices = indices
        """Positions in the batch: a slice if they are all."""
        self.rows = rows
        self.places = places


def places_at(buffer: bytes, at: int) -> Places:
    """Of the event whose entry is at `at`."""
    _, count, _, _ = _entry(buffer, at)
    found: Places = {}
    position = ENTRY.size
    for _ in range(count):
        header = _header(buffer, at + position)
        end = position + RECORD.size + header[7] - HEADER_BYTES
        found[header[4] & SRC_MASK] = (position + RECORD.size, end)
        position = end
    return found


def entries_of(buffer: bytes, count: int) -> List[int]:
    """Positions of the entries."""
    found: List[int] = []
    at = 0
    for _ in range(count):
        found.append(at)
        at += ENTRY.size + _entry(buffer, at)[3]
    return found


def groups_of(buffer: bytes, count: int) -> List[Group]:
    """The events of a batch by layout; needs numpy."""
    whole = _all_alike(buffer, count)
    if whole is not None:
        return [whole]
    by_size: Dict[Tuple[int, int], List[Tuple[int, int]]] = {}
    at = 0
    for i in range(count):
        _, contributions, _, size = _entry(buffer, at)
        by_size.setdefault((contributions, size), []).append((i, at))
        at += ENTRY.size + size
    data = numpy.frombuffer(buffer, numpy.uint8)
    found: List[Group] = []
    for (_, size), members in by_size.items():
        table = numpy.array(members)
        while len(table):
            places = places_at(buffer, int(table[0, 1]))
            rows = data[table[:, 1:2] + numpy.arange(ENTRY.size + size)]
            alike = (rows[:, _shape_of(places)] == rows[0, _shape_of(places)]).all(axis=1)
            found.append(Group(table[alike, 0], rows[alike] if not alike.all() else rows, places))
            table = table[~alike]
    return found


class _Like(NamedTuple):
    """How the last batch lay whose events were all alike: the next one mostly lies the same."""

    stride: int
    mask: Any
    """Ones where bytes say how an event is laid out."""
    expected: Any
    places: Places


_last: Optional[_Like] = None


def _all_alike(buffer: bytes, count: int) -> Any:
    """One group of all events, rows being a view of the buffer, or None if they differ."""
    global _last
    stride = ENTRY.size + _entry(buffer, 0)[3] if count else 0
    if stride == 0 or stride * count > len(buffer):
        return None
    rows = numpy.frombuffer(buffer, numpy.uint8, stride * count).reshape(count, stride)
    last = _last
    if last is not None and last.stride == stride and ((rows & last.mask) == last.expected).all():
        return Group(slice(None), rows, last.places)
    places = places_at(buffer, 0)
    mask = numpy.zeros(stride, numpy.uint8)
    mask[_ENTRY_SHAPE] = mask[_shape_of(places)] = 0xFF
    expected = rows[0] & mask
    if not ((rows & mask) == expected).all():
        return None
    _last = _Like(stride, mask, expected, places)
    return Group(slice(None), rows, places)


def _shape_of(places: Places) -> Any:
    parts = [begin - RECORD.size + _SHAPE for begin, _ in places.values()]
    return numpy.concatenate(parts) if parts else numpy.zeros(0, int)
