"""
The walk through a dgram: where its blocks lie. Positions only, counted from the dgram's beginning; nothing is decoded.

Events of one kind hardly ever differ in anything but values. So the walk through one of them holds for all others whose headers and
dimensions are the same bytes: comparing them is one unpack and one comparison, five times faster than walking.
"""

from struct import Struct
from typing import Any, Dict, List, Optional, Tuple

from .layout import CORRUPTED, DGRAM, DGRAM_SIZE, MAX_EXTENT, NAMES, PARENT, SHAPES, SHAPESDATA, XTC, XTC_SIZE

Block = Tuple[int, int, int]
"""NamesId, position of the Xtc header, end; from the dgram's beginning."""

_xtc = XTC.unpack_from


class Contents:
    """Blocks of one dgram in file order."""

    __slots__ = ("blocks", "names", "parents", "hidden", "problem", "opened", "size", "probe", "expected")

    def __init__(self) -> None:
        self.opened: Dict[Any, Any] = {}
        """Blocks that have been opened, by detector, segment and algorithm."""
        self.size = -1
        self.probe: Any = None
        """Takes the headers and dimensions out of another dgram; they must be the expected ones."""
        self.expected: Tuple[bytes, ...] = ()
        self.blocks: List[Block] = []
        self.names: List[Block] = []
        self.parents: List[Tuple[int, int]] = []
        """Nested Parents: position, end."""
        self.hidden = False
        """The root, or a nested Parent, has Corrupted damage: what lies inside is not listed."""
        self.problem = ""
        """What is wrong with the structure; blocks behind it in that container are not listed."""


def dgram_size(view: memoryview, at: int, end: int) -> int:
    """Total size of the dgram at `at`, or 0 if `view[at:end]` does not hold a whole one with a possible header."""
    if end - at < DGRAM_SIZE:
        return 0
    _, _, _, _, _, kind, extent = DGRAM.unpack_from(view, at)
    size = XTC_SIZE + extent
    return 0 if extent < XTC_SIZE or extent > MAX_EXTENT or size > end - at or kind & 0xFFF != PARENT else size


def walk(view: memoryview, at: int, size: int) -> Contents:
    """Lists the blocks of the dgram of `size` bytes at `at`."""
    found = Contents()
    _, damage, _, _ = _xtc(view, at + DGRAM_SIZE - XTC_SIZE)
    if damage & CORRUPTED:
        found.hidden = True
        return found
    waiting = [(DGRAM_SIZE, size)]
    # Depth first and in file order: a nested Parent puts the rest of its container back.
    while waiting:
        _container(view, at, *waiting.pop(), found, waiting)
    return found


def _container(view: memoryview, base: int, at: int, end: int, found: Contents, waiting: List[Tuple[int, int]]) -> None:
    blocks = found.blocks
    while at < end:
        if end - at < XTC_SIZE:
            found.problem = "%d bytes are left over in a container" % (end - at)
            return
        src, damage, kind, extent = _xtc(view, base + at)
        stop = at + extent
        if extent < XTC_SIZE or stop > end:
            found.problem = "an extent of %d bytes does not fit its container" % extent
            return
        kind &= 0xFFF
        if kind == SHAPESDATA:
            blocks.append((src & 0x0FFFFFFF, at, stop))
        elif kind == NAMES:
            found.names.append((src & 0x0FFFFFFF, at, stop))
        elif kind == PARENT:
            found.parents.append((at, stop))
            if damage & CORRUPTED:
                found.hidden = True
            else:
                waiting.append((stop, end))
                waiting.append((at + XTC_SIZE, stop))
                return
        at = stop


_MOST_PIECES = 64
_ROOT = (DGRAM_SIZE - 8, 8)
"""Damage, type and extent of the root."""


def pieces_of(contents: Contents, view: memoryview, at: int) -> Optional[List[Tuple[int, int]]]:
    """What two dgrams must have in common to be laid out alike: start and length of headers and dimensions, sorted. None if it is broken."""
    pieces = [_ROOT] + [(start, XTC_SIZE) for start, _ in contents.parents]
    for _, start, end in contents.blocks:
        pieces.append((start, XTC_SIZE))
        inner = start + XTC_SIZE
        while inner + XTC_SIZE <= end:
            _, _, kind, extent = _xtc(view, at + inner)
            if extent < XTC_SIZE or inner + extent > end:
                return None
            pieces.append((inner, extent if kind & 0xFFF == SHAPES else XTC_SIZE))
            inner += extent
    return sorted(pieces)


def memorize(contents: Contents, view: memoryview, at: int, size: int) -> bool:
    """Prepares a sound walk for recognising dgrams that are laid out alike. False if there is too much to compare."""
    pieces = merged(pieces_of(contents, view, at) or [])
    if not 0 < len(pieces) <= _MOST_PIECES:
        return False
    form, reached = "<", 0
    for start, length in pieces:
        form += "%dx%ds" % (start - reached, length)
        reached = start + length
    contents.size = size
    contents.probe = Struct(form).unpack_from
    contents.expected = contents.probe(view, at)
    return True


def merged(pieces: List[Tuple[int, int]]) -> List[Tuple[int, int]]:
    """Neighbouring pieces (start, length) put together."""
    found: List[Tuple[int, int]] = []
    for start, length in pieces:
        if found and sum(found[-1]) == start:
            found[-1] = (found[-1][0], found[-1][1] + length)
        else:
            found.append((start, length))
    return found
