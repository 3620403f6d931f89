"""Messages through System V queues, dgrams in System V shared memory; ctypes, no compiled part of our own."""

import ctypes
import errno
import os
from typing import Any

from ..protocol import (
    ERROR, ERROR_TEXT, LAYOUT_VERSION, MESSAGE_SIZE, SEGMENT, SEGMENT_HEADER, SEGMENT_MAGIC, Message, decode, encode,
)
from ..settings import Settings

_SHM_RDONLY = 0o10000
_TYPE = 1


class _Text(ctypes.Structure):
    # One byte more than a message, so that a longer one is seen as such.
    _fields_ = [("type", ctypes.c_long), ("text", ctypes.c_char * (MESSAGE_SIZE + 1))]


def _library() -> Any:
    libc = ctypes.CDLL(None, use_errno=True)
    libc.msgrcv.restype = ctypes.c_ssize_t
    libc.msgrcv.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_long, ctypes.c_int]
    libc.msgsnd.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    libc.shmat.restype = ctypes.c_void_p
    libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    return libc


def _failed(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, "%s: %s" % (what, os.strerror(number)))


class SysvLink:
    """Two queues and two segments, by id. The segments stay attached until the process ends."""

    def __init__(self, settings: Settings) -> None:
        self._libc = _library()
        self._settings = settings
        self._text = _Text()
        self._address = ctypes.addressof(self._text)
        size = SEGMENT_HEADER + settings.slots * settings.slot_bytes
        self._input = self._attach(settings.in_segment, size, _SHM_RDONLY).toreadonly()
        self._result = self._attach(settings.res_segment, size, 0)

    def _attach(self, segment: int, size: int, flags: int) -> memoryview:
        address = self._libc.shmat(segment, None, flags)
        if address == ctypes.c_void_p(-1).value:
            raise _failed("shared memory segment %d cannot be attached" % segment)
        head = SEGMENT.unpack(ctypes.string_at(address, SEGMENT.size))
        expected = (SEGMENT_MAGIC, LAYOUT_VERSION, self._settings.slots, self._settings.slot_bytes)
        if head != expected:
            raise OSError(errno.EINVAL, "segment %d begins with %r instead of %r" % (segment, head, expected))
        return memoryview((ctypes.c_char * size).from_address(address)).cast("B")

    def receive(self) -> Message:
        """Waits for a message. Signals that Python handles are handled while waiting. :raises OSError: if the queue is gone"""
        while True:
            length = self._libc.msgrcv(self._settings.in_queue, self._address, MESSAGE_SIZE + 1, 0, 0)
            if length < 0:
                if ctypes.get_errno() == errno.EINTR:
                    continue
                raise _failed("the queue to this worker")
            message = decode(bytes(ctypes.string_at(self._address + ctypes.sizeof(ctypes.c_long), length)))
            if message is None:
                raise OSError(errno.EPROTO, "a message of %d bytes that is none of drp-python" % length)
            if message.generation == self._settings.generation:
                return message

    def send(self, message: bytes, contents: memoryview = memoryview(b"")) -> None:
        """Sends a message; the contents are in shared memory already."""
        self._text.type = _TYPE
        ctypes.memmove(self._address + ctypes.sizeof(ctypes.c_long), message, MESSAGE_SIZE)
        while self._libc.msgsnd(self._settings.res_queue, self._address, MESSAGE_SIZE, 0) < 0:
            if ctypes.get_errno() != errno.EINTR:
                raise _failed("the queue from this worker")

    def send_error(self, text: str, sequence: int) -> None:
        """Puts the text into the header page of the result segment and sends ERROR."""
        stored = text.encode("utf-8", "replace")[:SEGMENT_HEADER - ERROR_TEXT - 4]
        self._result[ERROR_TEXT:ERROR_TEXT + 4] = len(stored).to_bytes(4, "little")
        self._result[ERROR_TEXT + 4:ERROR_TEXT + 4 + len(stored)] = stored
        self.send(encode(ERROR, self._settings.generation, sequence, bytes=len(stored)))

    def input(self, message: Message) -> memoryview:
        """The input slot of a DGRAMS message; read-only."""
        return self._slot(self._input, message.slot)

    def result(self, slot: int) -> memoryview:
        """A result slot; writable."""
        return self._slot(self._result, slot)

    def _slot(self, segment: memoryview, slot: int) -> memoryview:
        if slot >= self._settings.slots:
            raise OSError(errno.EPROTO, "slot %d; there are %d" % (slot, self._settings.slots))
        at = SEGMENT_HEADER + slot * self._settings.slot_bytes
        return segment[at:at + self._settings.slot_bytes]
