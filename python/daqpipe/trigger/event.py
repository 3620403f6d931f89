"""One event as a script of ours sees it. Nothing is unpacked before it is asked for."""

from typing import Any, Dict, List, Optional, Tuple

from .protocol import FREE, HEADER_BYTES, KEEP_RAW, RECORD, SRC_MASK
from .conversation import Session

_header = RECORD.unpack_from
_source = RECORD.size  # a record is at least its header


class Event:
    """An event with the primitives of its sources. It may be kept."""

    __slots__ = ("pid", "damage", "index", "_session", "_buffer", "_at", "_count", "_head", "_found", "_read")

    def __init__(self, session: Session, buffer: bytes, at: int, count: int, pid: int, damage: int, index: int) -> None:
        self.pid = pid
        """Pulse id."""
        self.damage = damage
        """Of the built event."""
        self.index = index
        """Position in the batch."""
        self._session = session
        self._buffer = buffer
        self._at = at
        self._count = count
        self._head: Any = None
        self._found: Optional[Dict[int, Tuple[int, int]]] = None
        self._read: Optional[Dict[int, Any]] = None

    @property
    def header(self) -> Tuple[int, ...]:
        """Header of the first contribution."""
        if self._head is None:
            self._head = _header(self._buffer, self._at) if self._count else (self.pid, 0, 0, 0, 0, 0, 0, HEADER_BYTES)
        return self._head

    @property
    def rogs(self) -> int:
        """Mask of the readout groups that fired."""
        return self.header[3] & 0xFFFF

    @property
    def keep(self) -> bool:
        """Whether raw data are kept: it is recorded whatever the decision."""
        return bool(self.header[3] & KEEP_RAW)

    @property
    def time(self) -> Tuple[int, int]:
        """Seconds since 1990 and nanoseconds."""
        return self.header[2], self.header[1]

    @property
    def slow(self) -> bool:
        """Whether a group other than the common one fired."""
        return bool(self.rogs & ~self._session.common)

    @property
    def missing(self) -> List[str]:
        """Aliases of the sources that should have contributed and did not."""
        rogs, there = self.rogs, self.contributions()
        names, groups = self._session.aliases, self._session.groups
        return [names[source] for source in sorted(names) if rogs >> groups[source] & 1 and source not in there]

    def get(self, alias: str, default: Any = None) -> Any:
        """View or Prim of a source; `default` if it did not contribute, had nothing to say, or cannot be read."""
        source = self._session.source(alias)
        if self._read is None:
            self._read = {}
        if source in self._read:
            value = self._read[source]
        else:
            place = self.contributions().get(source)
            value = None if place is None else self._session.read(source, self._buffer[place[0]:place[1]])
            self._read[source] = value
        return default if value is None else value

    def payload(self, alias: str) -> Optional[bytes]:
        """The bytes of a source's primitive, None if it did not contribute."""
        place = self.contributions().get(self._session.source(alias))
        return None if place is None else self._buffer[place[0]:place[1]]

    def free(self, meb: int) -> int:
        """Free buffers of a monitor when this batch was sent; for heuristics."""
        return FREE.unpack_from(self._buffer, len(self._buffer) - FREE.size)[meb]

    def contributions(self) -> Dict[int, Tuple[int, int]]:
        """Source -> begin and end of its primitive."""
        if self._found is None:
            self._found = {}
            at, buffer = self._at, self._buffer
            for _ in range(self._count):
                header = _header(buffer, at)
                end = at + _source + header[7] - HEADER_BYTES
                self._found[header[4] & SRC_MASK] = (at + _source, end)
                at = end
        return self._found

    def __repr__(self) -> str:
        return "<Event pid %d, groups 0x%x>" % (self.pid, self.rogs)
