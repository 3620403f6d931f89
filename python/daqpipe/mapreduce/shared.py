"""
Large frames that an ingester of this machine left in shared memory (docs/mapreduce.md). A frame is copied once, and the stamp of its slot is
looked at afterwards: unchanged, what was copied is what was sent. With ``borrow_frames = True`` a class gets read-only memoryviews instead,
valid until process_event returns.
"""

import mmap
import os
import struct
from typing import Any, Dict, List, Optional

from .event import EventData, Frame

_STAMPS_START = 4096
_STAMP = struct.Struct("<i")


class TornFrame(Exception):
    """A frame was let go while it was read."""


class Memory:
    """The shared memory of one ingester, mapped for reading."""

    def __init__(self, path: str) -> None:
        self._fd = os.open(path, os.O_RDONLY)
        self.size = os.fstat(self._fd).st_size
        self._map = mmap.mmap(self._fd, self.size, mmap.MAP_SHARED, mmap.PROT_READ)
        self._view = memoryview(self._map)

    def view(self, offset: int, size: int) -> memoryview:
        return self._view[offset:offset + size]

    def lend(self, offset: int, size: int) -> mmap.mmap:
        """A part, mapped by itself: it cannot be closed while anything refers to it."""
        return mmap.mmap(self._fd, size, mmap.MAP_SHARED, mmap.PROT_READ, offset=offset)

    @property
    def is_left(self) -> bool:
        """Its ingester is gone: kept open it would take the memory from others."""
        return os.fstat(self._fd).st_nlink == 0

    def close(self) -> None:
        os.close(self._fd)

    def check(self, slot: int, stamp: int) -> None:
        """:raises TornFrame: if something else may lie there now"""
        if _STAMP.unpack_from(self._map, _STAMPS_START + _STAMP.size * slot)[0] != stamp:
            raise TornFrame("a frame was let go while it was read")


class Memories:
    """Those that are open, by name."""

    def __init__(self) -> None:
        self._open: Dict[str, Memory] = {}

    def _find(self, shared: Dict[str, Any]) -> Memory:
        memory = self._open.get(shared["name"])
        end = max(place[1] + place[2] for place in shared["places"])
        if memory is None or memory.size < end:
            for name in [name for name, other in self._open.items() if name == shared["name"] or other.is_left]:
                self._open.pop(name).close()
            memory = self._open[shared["name"]] = Memory(shared["path"])
        return memory

    def insert(self, frames: List[Any], shared: Dict[str, Any], lent: Optional[List[mmap.mmap]]) -> None:
        """Puts the parts at their places among the others: copies, or views of what is added to `lent`. :raises TornFrame, OSError:"""
        memory = self._find(shared)
        for part, offset, size, slot, stamp in shared["places"]:
            if lent is None:
                frame: Any = Frame(memory.view(offset, size))
                memory.check(slot, stamp)
            else:
                lent.append(memory.lend(offset, size))
                frame = memoryview(lent[-1])
            frames.insert(part, frame)

    def give_back(self, event: EventData, lent: List[mmap.mmap], shared: List[Dict[str, Any]]) -> None:
        """:raises TornFrame: :raises BufferError: if something still uses a view: it would see other frames later"""
        if not lent:
            return
        for one in shared:
            memory = self._open[one["name"]]
            for _, _, _, slot, stamp in one["places"]:
                memory.check(slot, stamp)
        event.streams.clear()
        for part in lent:
            try:
                part.close()
            except BufferError:
                raise BufferError("the class keeps a view of a borrowed frame; copy what is needed later") from None
