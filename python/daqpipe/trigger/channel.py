"""The two pipes of a decider: whole frames in, whole frames out."""

import errno
import json
import os
from typing import Any, List, NamedTuple

from .protocol import COUNTS, ERROR, FRAME, MAGIC, MORE_FOLLOWS, OK, READY, RESULTS

_BLOCK = 1 << 18


class Frame(NamedTuple):
    """One frame from teb-decide; its payload is a copy that may be kept."""

    kind: int
    count: int
    payload: bytes
    number: int


class PipeChannel:
    """Frames through two descriptors, those of ``TEB_FD=in,out``."""

    def __init__(self, descriptors: str) -> None:
        """:raises ValueError: if the text does not name two descriptors"""
        self._in, self._out = (int(part) for part in descriptors.split(","))
        for fd in (self._in, self._out):
            os.set_blocking(fd, True)
            os.set_inheritable(fd, False)
        self._block = bytearray(_BLOCK)
        self._view = memoryview(self._block)
        self._start = self._end = 0
        self._sequence = 0

    def receive(self) -> Frame:
        """Waits for a frame. :raises EOFError: if the other side is gone :raises OSError: if it sends something else"""
        self._need(FRAME.size)
        magic, kind, _, count, size, self._sequence, number = FRAME.unpack_from(self._block, self._start)
        if magic != MAGIC:
            raise OSError(errno.EPROTO, "20 bytes that are no frame of teb-decide")
        self._start += FRAME.size
        self._need(size)
        payload = bytes(self._view[self._start:self._start + size])
        self._start += size
        return Frame(kind, count, payload, number)

    def ready(self, facts: Any) -> None:
        """The answer to HELLO."""
        self._send_json(READY, facts)

    def ok(self) -> None:
        """The answer to CONFIGURE."""
        self._send(OK, b"")

    def results(self, number: int, count: int, payload: Any, more: bool = False) -> None:
        """Answers to `count` events of frame `number`."""
        self._send(RESULTS, payload, count, number, MORE_FOLLOWS if more else 0)

    def error(self, pid: Any, text: str) -> None:
        """What went wrong, and with which event."""
        self._send_json(ERROR, {"pid": pid, "text": text})

    def counts(self, counts: Any) -> None:
        """What has been counted so far; no answer is expected."""
        self._send_json(COUNTS, counts)

    def _send_json(self, kind: int, value: Any) -> None:
        self._send(kind, json.dumps(value).encode())

    def _send(self, kind: int, payload: Any, count: int = 0, number: int = 0, flags: int = 0) -> None:
        size = len(payload)
        head = FRAME.pack(MAGIC, kind, flags, count, size, self._sequence, number)
        pieces: List[Any] = [head, payload] if size else [head]
        written = os.writev(self._out, pieces)
        if written < len(head) + size:
            rest = memoryview(b"".join(pieces))[written:]
            while rest:
                rest = rest[os.write(self._out, rest):]

    def _need(self, size: int) -> None:
        """Reads until `size` bytes are there in one piece."""
        have = self._end - self._start
        if have >= size:
            return
        if self._start and (have == 0 or self._start + size > len(self._block)):
            self._view[:have] = bytes(self._view[self._start:self._end])
            self._start, self._end = 0, have
        if size > len(self._block):
            grown = bytearray(size + _BLOCK)
            grown[:have] = self._view[:have]
            self._block, self._view = grown, memoryview(grown)
        while self._end - self._start < size:
            count = os.readv(self._in, [self._view[self._end:]])
            if count == 0:
                raise EOFError("teb-decide closed the pipe")
            self._end += count
