"""The walk through a dgram: where its blocks lie. Positions only; nothing is decoded."""

from typing import List, Tuple

from .layout import CORRUPTED, DGRAM, DGRAM_SIZE, MAX_EXTENT, NAMES, PARENT, SHAPESDATA, XTC, XTC_SIZE

Block = Tuple[int, int, int]
"""NamesId, position of the Xtc header, end."""

_xtc = XTC.unpack_from


class Contents:
    """Blocks of one dgram in file order."""

    __slots__ = ("blocks", "names", "parents", "hidden", "problem")

    def __init__(self) -> None:
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
    waiting = [(at + DGRAM_SIZE, at + size)]
    # Depth first and in file order: a nested Parent puts the rest of its container back.
    while waiting:
        _container(view, *waiting.pop(), found, waiting)
    return found


def _container(view: memoryview, at: int, end: int, found: Contents, waiting: List[Tuple[int, int]]) -> None:
    blocks = found.blocks
    while at < end:
        if end - at < XTC_SIZE:
            found.problem = "%d bytes are left over in a container" % (end - at)
            return
        src, damage, kind, extent = _xtc(view, at)
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
