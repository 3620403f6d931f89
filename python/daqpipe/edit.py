"""
What a script changes in one dgram, written straight into the result slot.

Room for everything that is kept is left free in front of the first added block. At the end of the event the kept blocks are copied
there, directly in front of the added ones; blocks that were removed make the result begin later. So nothing is copied twice.
If the slot has too little room, added blocks wait in memory of their own and are put together at the end.
"""

import struct
from typing import TYPE_CHECKING, Any, List, Mapping, Sequence, Tuple

from .errors import BadValue, Misuse
from .tprm import encode_primitive
from .xtc.layout import EXTENT_AT, MAX_EXTENT, XTC_SIZE

if TYPE_CHECKING:
    from .dgram import Dgram
    from .handle import Handle
    from .stream import Stream

_put_u32 = struct.Struct("<I").pack_into


class Edit:
    """Changes of one dgram."""

    __slots__ = ("dgram", "stream", "removed", "kept", "start", "end", "spill", "added", "last", "handles", "trigger", "dropped")

    def __init__(self, dgram: "Dgram", stream: "Stream") -> None:
        self.dgram = dgram
        self.stream = stream
        self.removed: List[Tuple[int, int]] = []
        """Blocks to leave out: position, end."""
        self.kept = dgram._size
        """Bytes of the input that stay, header included."""
        self.start = self.end = 0
        """Added blocks in the result slot; 0 while there are none."""
        self.spill: Any = None
        """Added blocks in memory of their own, once the slot was too small."""
        self.added = 0
        self.last = ""
        """What was added last, for messages."""
        self.handles: List["Handle"] = []
        self.trigger = b""
        self.dropped = False

    # What scripts ask for

    def add(self, handle: "Handle", values: Mapping[str, Any]) -> None:
        if handle in self.handles:
            raise BadValue("%s was added to this event already" % handle.names)
        if handle.table is not self.dgram._table:
            raise Misuse("%s was described in another Configure" % handle.names)
        if not self.sound():
            return
        self.last = handle.names.alg
        handle.encoder.write(values, self.reserve)
        self.handles.append(handle)

    def add_block(self, block: bytes, what: str) -> None:
        """A finished block: the description of a new algorithm."""
        self.last = what
        out, at = self.reserve(len(block))
        out[at:at + len(block)] = block

    def remove(self, ids: Sequence[int]) -> None:
        if self.stream.keeps_raw(self.dgram):
            return
        for id, at, end in self.dgram._contents().blocks:
            if id in ids and (at, end) not in self.removed:
                self.removed.append((at, end))
                self.kept -= end - at

    def set_trigger(self, data: Any) -> None:
        limit = self.stream.settings.trigger_bytes
        if limit == 0:
            raise Misuse("there is nowhere to send trigger data to: start drp-python with --trigger-out URL")
        self.trigger = encode_primitive(data)

    def drop(self) -> None:
        if not self.stream.settings.allow_drop:
            raise Misuse("events may be dropped only with --allow-drop")
        self.dropped = True

    # Memory

    def sound(self) -> bool:
        """Whether blocks behind the payload could be found by readers: not behind Corrupted damage or a broken structure."""
        contents = self.dgram._contents()
        damaged = contents.problem or contents.hidden and not contents.parents
        if damaged:
            self.stream.note_unsound(self.dgram, contents)
        return not damaged

    def reserve(self, size: int) -> Tuple[Any, int]:
        """Room for a block of `size` bytes: buffer and position."""
        self.added += size
        slot = self.stream.results
        if self.spill is None:
            if not self.start:
                self.start = self.end = slot.used + self.kept
            at = self.end
            if at + size <= slot.size:
                self.end = at + size
                return slot.memory, at
            self.spill = bytearray(slot.memory[self.start:self.end])
        limit = self.stream.limit_of(self.dgram)
        if self.added > limit and self.stream.settings.oversize != "cut":
            # Too large whatever the script removes: counted, never kept.
            return memoryview(bytearray(size)), 0
        at = len(self.spill)
        # A view of the old bytes may live in a traceback, so grow by making anew.
        grown = bytearray(at + size)
        grown[:at] = self.spill
        self.spill = grown
        return memoryview(grown), at

    @property
    def total(self) -> int:
        """Bytes of the result."""
        return self.kept + self.added

    def compose(self, out: memoryview, start: int) -> None:
        """Puts the kept part, and added blocks that wait elsewhere, at `start` of `out`; added blocks in the slot are there already."""
        dgram = self.dgram
        view, base = dgram._view, dgram._at
        at, stop = base, base + dgram._size
        to = start
        for first, last in sorted(self.removed):
            out[to:to + base + first - at] = view[at:base + first]
            to += base + first - at
            at = base + last
        out[to:to + stop - at] = view[at:stop]
        if self.spill is not None:
            to += stop - at
            out[to:to + len(self.spill)] = self.spill
        if self.removed:
            self._mend_parents(out, start)
        extent = self.total - XTC_SIZE
        if extent > MAX_EXTENT:
            raise BadValue("a dgram of %d bytes is impossible" % self.total)
        _put_u32(out, start + EXTENT_AT, extent)

    def _mend_parents(self, out: memoryview, start: int) -> None:
        """Nested Parents that lost blocks become smaller by as much."""
        for at, end in self.dgram._contents().parents:
            inside = sum(last - first for first, last in self.removed if at < first < end)
            if inside:
                before = sum(last - first for first, last in self.removed if first < at)
                _put_u32(out, start + at - before + 8, end - at - inside)
