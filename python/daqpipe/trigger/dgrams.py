"""Contributions and results as scripts for the existing system see them."""

from struct import Struct
from typing import Any

from .protocol import ALL_MEBS, HEADER_BYTES, MONITOR_SHIFT, PERSIST, PID_MASK, RECORD, SRC_MASK

_u32 = Struct("<I").unpack_from
_u16 = Struct("<H").unpack_from
_u64 = Struct("<Q").unpack_from
_RESULT = Struct("<II")


class Number:
    """Something that is asked with ``value()``."""

    __slots__ = ("_number",)

    def __init__(self, number: int) -> None:
        self._number = number

    def value(self) -> int:
        """The number."""
        return self._number


class Time:
    """Time of an event."""

    __slots__ = ("_word",)

    def __init__(self, word: int) -> None:
        self._word = word

    def seconds(self) -> int:
        """Since 1990."""
        return self._word >> 32

    def nanoseconds(self) -> int:
        """Within the second."""
        return self._word & 0xFFFFFFFF

    def value(self) -> int:
        """seconds << 32 | nanoseconds"""
        return self._word


class Xtc:
    """Source, damage, type and size of a contribution, and its payload."""

    __slots__ = ("_view", "_at")

    def __init__(self, view: Any, at: int) -> None:
        self._view = view
        self._at = at

    @property
    def src(self) -> Number:
        """Number of the source."""
        return Number(_u32(self._view, self._at + 20)[0] & SRC_MASK)

    @property
    def damage(self) -> Number:
        """Damage bits."""
        return Number(_u16(self._view, self._at + 24)[0])

    @property
    def contains(self) -> Number:
        """Type id."""
        return Number(_u16(self._view, self._at + 26)[0])

    @property
    def extent(self) -> int:
        """Bytes of this header and the payload."""
        return _u32(self._view, self._at + 28)[0]

    def sizeofPayload(self) -> int:
        """Bytes of the payload."""
        return _u32(self._view, self._at + 28)[0] - HEADER_BYTES

    def payload(self) -> bytes:
        """The payload."""
        at = self._at
        return bytes(self._view[at + 32:at + 20 + _u32(self._view, at + 28)[0]])


class EbDgram:
    """One contribution; its numbers are read when they are asked for."""

    __slots__ = ("_view", "_at", "xtc")

    def __init__(self, view: Any, at: int = 0) -> None:
        self._view = view
        self._at = at
        self.xtc = Xtc(view, at)

    def pulseId(self) -> int:
        """56 bits."""
        return _u64(self._view, self._at)[0] & PID_MASK

    @property
    def time(self) -> Time:
        """Time of the event."""
        return Time(_u64(self._view, self._at + 8)[0])

    @property
    def env(self) -> int:
        """The word with service, groups and flags."""
        return _u32(self._view, self._at + 16)[0]

    @property
    def extent(self) -> int:
        """Bytes from the Xtc header on."""
        return _u32(self._view, self._at + 28)[0]

    def readoutGroups(self) -> int:
        """Mask of the groups that fired."""
        return _u16(self._view, self._at + 16)[0]

    def service(self) -> int:
        """12 for an event."""
        return self._view[self._at + 19] & 15

    def sizeofPayload(self) -> int:
        """Bytes of the payload."""
        return _u32(self._view, self._at + 28)[0] - HEADER_BYTES


class ResultDgram:
    """A result in memory; making one answers `persist` and `monitor` into it, and counts the answer in its extent."""

    def __init__(self, view: Any, persist: Any, monitor: int) -> None:
        self._view = view
        extent = _u32(view, 28)[0] + _RESULT.size
        data, buffer = _RESULT.unpack_from(view, RECORD.size)
        data = data & ~(PERSIST | ALL_MEBS << MONITOR_SHIFT) | (PERSIST if persist else 0) | (monitor & ALL_MEBS) << MONITOR_SHIFT
        Struct("<I").pack_into(view, 28, extent)
        _RESULT.pack_into(view, RECORD.size, data, buffer)

    def data(self) -> int:
        """The data word."""
        return _u32(self._view, RECORD.size)[0]

    def persist(self) -> bool:
        """Whether it is recorded."""
        return bool(self.data() & PERSIST)

    def monitor(self) -> int:
        """Mask of monitors."""
        return self.data() >> MONITOR_SHIFT & ALL_MEBS
