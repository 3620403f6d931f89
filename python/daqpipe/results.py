"""The result slot: table and dgrams of one request."""

import struct
from typing import Any, NamedTuple, Optional

from .edit import Edit
from .protocol import (
    CHANGED, DROPPED, OVERSIZE, RESULT_CONSTANTS, RESULT_ENTRY, RESULT_ENTRY_SIZE, RESULT_PAYLOAD, RESULT_TABLE, SAME, TRIGGER_TOO_LONG,
)
from .xtc.layout import EXTENT_AT, XTC_SIZE

_pack_entry = RESULT_ENTRY.pack_into
_put_u32 = struct.Struct("<I").pack_into


class Waiting(NamedTuple):
    """A result that found its slot full: it goes out with the request that asks for the same dgram again."""

    key: Any
    status: int
    body: bytes
    trigger: bytes
    needed: int
    flags: int


class ResultSlot:
    """Fills one result slot, dgram by dgram, in the order of the request."""

    __slots__ = ("memory", "size", "used", "count", "full", "constants", "_table")

    def __init__(self, memory: memoryview, entries: int) -> None:
        self.memory = memory
        self.size = len(memory)
        self.used = RESULT_PAYLOAD
        self.count = 0
        self.full = False
        """A result found no room: those behind it must wait as well, to keep the order."""
        self.constants = 0
        """Of a BeginRun: the first 32 bits of the hash of the run's constants."""
        # Zeros say: same as the input, no trigger data.
        self._table = bytearray(RESULT_ENTRY_SIZE * entries)

    def settle(self, edit: Edit, limit: int, trigger_limit: int, policy: str) -> Optional[Waiting]:
        """
        Enters the result of the next dgram.

        :returns: None, or the result if there is no room left for it: then it is not entered
        """
        added = edit.added
        if added and edit.spill is None and not (edit.removed or edit.trigger or edit.dropped or self.full):
            # By far the most frequent: something was added, into the slot, and nothing else happened.
            total = edit.kept + added
            if total <= limit:
                start = edit.start - edit.kept
                dgram = edit.dgram
                at = dgram._at
                self.memory[start:edit.start] = dgram._view[at:at + edit.kept]
                _put_u32(self.memory, start + EXTENT_AT, total - XTC_SIZE)
                _pack_entry(self._table, RESULT_ENTRY_SIZE * self.count, start, total, CHANGED, 0, 0, 0, 0)
                self.count += 1
                self.used = min((edit.end + 7) & ~7, self.size)
                return None
        flags, trigger = 0, edit.trigger
        if len(trigger) > trigger_limit:
            flags, trigger = TRIGGER_TOO_LONG, b""
        if edit.dropped:
            return self._enter(None, DROPPED, b"", b"", 0, 0)
        if not edit.added and not edit.removed:
            return self._enter(None, SAME, b"", trigger, 0, flags)
        total = edit.total
        if total > limit:
            body = collect(edit, self)[:limit] if policy == "cut" else b""
            return self._enter(None, OVERSIZE, body, trigger, total, flags)
        start = edit.start - edit.kept if edit.added and edit.spill is None else self.used
        if self.full or start + total + len(trigger) > self.size:
            return self._enter(None, CHANGED, collect(edit, self), trigger, 0, flags)
        edit.compose(self.memory, start)
        end = start + total
        self.memory[end:end + len(trigger)] = trigger
        _pack_entry(self._table, RESULT_ENTRY_SIZE * self.count, start, total, CHANGED, flags, len(trigger), 0, 0)
        self.count += 1
        self.used = min((end + len(trigger) + 7) & ~7, self.size)
        return None

    def enter_rows(self, count: int, start: int, stride: int, size: int, status: int) -> None:
        """Enters `count` results of one size that lie at equal distances."""
        for at in range(start, start + count * stride, stride):
            _pack_entry(self._table, RESULT_ENTRY_SIZE * self.count, at, size, status, 0, 0, 0, 0)
            self.count += 1
        self.used = start + count * stride

    def enter(self, waiting: Waiting) -> bool:
        """Enters a result that had found its slot full. False if this one is full as well."""
        return self._enter(*waiting) is None

    def _enter(self, key: Any, status: int, body: bytes, trigger: bytes, needed: int, flags: int) -> Optional[Waiting]:
        start, length = self.used, len(body)
        end = start + length + len(trigger)
        if self.full or end > self.size:
            return Waiting(key, status, body, trigger, needed, flags)
        self.memory[start:start + length] = body
        self.memory[start + length:end] = trigger
        _pack_entry(self._table, RESULT_ENTRY_SIZE * self.count, start if end > start else 0, length, status, flags, len(trigger),
                    min(needed, 0xFFFFFFFF), 0)
        self.count += 1
        self.used = min((end + 7) & ~7, self.size)
        return None

    def close(self) -> int:
        """Writes the table; returns the bytes in use from the slot's beginning."""
        size = RESULT_ENTRY_SIZE * self.count
        if self.constants:
            _put_u32(self._table, RESULT_CONSTANTS, self.constants)
        self.memory[0:4] = self.count.to_bytes(4, "little")
        self.memory[RESULT_TABLE:RESULT_TABLE + size] = self._table[:size]
        return RESULT_TABLE + size if self.used == RESULT_PAYLOAD else self.used


def collect(edit: Edit, slot: ResultSlot) -> bytes:
    """The whole result in memory of its own."""
    out = memoryview(bytearray(edit.kept + edit.added))
    if edit.spill is None and edit.added:
        out[edit.kept:] = slot.memory[edit.start:edit.end]
    edit.compose(out, 0)
    return bytes(out)
