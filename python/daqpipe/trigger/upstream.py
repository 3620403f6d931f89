"""The protocol of the existing system, one event at a time through POSIX queues and memories, as frames of ours."""

import json
import mmap
import sys
from typing import Any, List

from .channel import Frame
from .protocol import (
    CONFIGURE, ENTRY, EVENTS, FREE, HEADER_BYTES, HELLO, OK_STATUS, PID_MASK, PRIMITIVE_REJECTED, RECORD, RESULT, SECOND_RESULT, STOP,
)

_DATA_AT = RECORD.size
_EXTENT_AT = 28
_RESULT_BYTES = 8


class QueueChannel:
    """Looks to the runtime like the two pipes."""

    def __init__(self, words: List[str]) -> None:
        """:raises SystemExit: with status 1 if the queues are not there (yet), as the starter expects it"""
        import posix_ipc
        options = {word[:2]: word[2:].strip() for word in words if word[:2] in ("-p", "-b")}
        self._key = options.get("-b", "")
        self._partition = int(options.get("-p") or 0)
        self._ipc: Any = posix_ipc
        try:
            self._inputs = posix_ipc.MessageQueue("/mqtebinp_" + self._key, read=True, write=False)
            self._results = posix_ipc.MessageQueue("/mqtebres_" + self._key, read=False, write=True)
        except posix_ipc.Error as error:
            sys.stderr.write("%s\n" % error)
            sys.exit(1)
        self._begun = self._configured = False
        self._frame = 0

    def receive(self) -> Frame:
        """The next event, or what stands before the first."""
        if not self._begun:
            self._begun = True
            connect = self._handshake()
            return Frame(HELLO, 0, json.dumps({"api": 1, "connect": json.loads(connect), "partition": self._partition,
                                               "key": self._key}).encode(), 0)
        while True:
            try:
                message, _ = self._inputs.receive()
            except self._ipc.Error:
                raise EOFError("the queue is gone") from None
            if message[:1] == b"s":
                return Frame(STOP, 0, b"", 0)
            if message[:1] == b"g":
                break
        if not self._configured:
            self._configured = True
            return Frame(CONFIGURE, 0, b"{}", 0)
        self._frame += 1
        return Frame(EVENTS, 1, self._event(int(message[1:], 16)), self._frame)

    def ready(self, facts: Any) -> None:
        """Nothing is to be said here."""

    def ok(self) -> None:
        """The answer to Configure."""
        self._results.send(b"g")

    def results(self, number: int, count: int, payload: Any, more: bool = False) -> None:
        """The answer, in the result memory: eight more bytes of extent are one result; none and two are failures."""
        for i in range(count):
            _, data, status = RESULT.unpack_from(payload, i * RESULT.size)
            status &= ~PRIMITIVE_REJECTED
            results = 1 if status == OK_STATUS else 2 if status == SECOND_RESULT else 0
            extent = int.from_bytes(self._result[_EXTENT_AT:_EXTENT_AT + 4], "little") + results * _RESULT_BYTES
            self._result[_EXTENT_AT:_EXTENT_AT + 4] = extent.to_bytes(4, "little")
            if results == 1:
                self._result[_DATA_AT:_DATA_AT + 4] = data.to_bytes(4, "little")
            for _ in range(max(1, results)):
                self._results.send(b"g")

    def error(self, pid: Any, text: str) -> None:
        """There is no message for it: it goes to the log."""
        sys.stderr.write(text if text.endswith("\n") else text + "\n")

    def counts(self, counts: Any) -> None:
        """There is no message for it."""

    def _handshake(self) -> str:
        """Memories and connect information; whatever an earlier run left in the queue is passed over."""
        _, name, size, *sizes = self._expect(b"i").split(",")
        self._input = self._map(name, int(size))
        self._slots = [0]
        for slot in sizes:
            self._slots.append(self._slots[-1] + int(slot))
        self._results.send(b"g")
        _, name, size = self._expect(b"r").split(",")
        self._result = self._map(name, int(size))
        text = b""
        while True:
            message = self._expect(b"c", b"d")
            text += self._input[:int(message[2:])]
            self._results.send(message[:1].encode())
            if message[0] == "d":
                return text.decode()

    def _expect(self, *letters: bytes) -> str:
        while True:
            message, _ = self._inputs.receive()
            if message[:1] in letters:
                return message.decode("ascii")

    def _map(self, name: str, size: int) -> mmap.mmap:
        memory = self._ipc.SharedMemory(name, size=size)
        return mmap.mmap(memory.fd, size)

    def _event(self, mask: int) -> bytes:
        records: List[bytes] = []
        for i, at in enumerate(self._slots[:-1]):
            if mask >> i & 1:
                end = at + RECORD.size - HEADER_BYTES + int.from_bytes(self._input[at + _EXTENT_AT:at + _EXTENT_AT + 4], "little")
                records.append(self._input[at:min(end, self._slots[i + 1])])
        header = RECORD.unpack_from(self._result)
        body = b"".join(records)
        return ENTRY.pack(header[0] & PID_MASK, len(records), header[5], len(body)) + body + bytes(FREE.size)
