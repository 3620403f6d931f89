"""Messages and slots through two pipes: fd 3 to the worker, fd 4 from it. For places where no IPC is allowed."""

import errno
import os
from typing import List

from ..protocol import DGRAMS, ERROR, MESSAGE_SIZE, Message, decode, encode
from ..settings import Settings

_IN, _OUT = 3, 4


class PipeLink:
    """One input and one result slot in memory of this process, used again for every request."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._head = bytearray(MESSAGE_SIZE)
        self._input = memoryview(bytearray(settings.slot_bytes))
        self._result = memoryview(bytearray(settings.slot_bytes))
        for fd in (_IN, _OUT):
            os.set_blocking(fd, True)

    def receive(self) -> Message:
        """Waits for a message and reads what belongs to it. :raises EOFError: if the other side is gone"""
        while True:
            self._read(memoryview(self._head))
            message = decode(bytes(self._head))
            if message is None:
                raise OSError(errno.EPROTO, "24 bytes that are no message of drp-python")
            if message.type == DGRAMS:
                if message.bytes > len(self._input):
                    raise OSError(errno.EPROTO, "%d bytes for a slot of %d" % (message.bytes, len(self._input)))
                self._read(self._input[:message.bytes])
            if message.generation == self._settings.generation:
                return message

    def send(self, message: bytes, contents: memoryview = memoryview(b"")) -> None:
        """Sends a message and the used part of the result slot."""
        pieces: List[memoryview] = [memoryview(message), contents]
        while pieces:
            written = os.writev(_OUT, pieces)
            while pieces and written >= len(pieces[0]):
                written -= len(pieces.pop(0))
            if pieces:
                pieces[0] = pieces[0][written:]

    def send_error(self, text: str, sequence: int) -> None:
        """Sends ERROR and the text behind it."""
        stored = text.encode("utf-8", "replace")[:4000]
        self.send(encode(ERROR, self._settings.generation, sequence, bytes=len(stored)), memoryview(stored))

    def input(self, message: Message) -> memoryview:
        """The input slot; read-only."""
        return self._input.toreadonly()

    def result(self, slot: int) -> memoryview:
        """The result slot; writable."""
        return self._result

    @staticmethod
    def _read(into: memoryview) -> None:
        while len(into):
            count = os.readv(_IN, [into])
            if count == 0:
                raise EOFError("drp-python closed the pipe")
            into = into[count:]
