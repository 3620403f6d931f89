"""POSIX message queues and read-only shared memory through the C library: the standard library has no queues. Linux only."""

import ctypes
import ctypes.util
import errno
import mmap
import os
from typing import Optional

MESSAGE_MAX = 8192


class _Time(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


_PAST = _Time(0, 0)
_library: Optional[ctypes.CDLL] = None


def _load() -> ctypes.CDLL:
    """Found when first used: scripts that read no queue need not have it."""
    global _library
    if _library is not None:
        return _library
    for name in (None, ctypes.util.find_library("rt"), "librt.so.1"):
        try:
            found = ctypes.CDLL(name, use_errno=True)
            found.mq_open.restype = found.mq_close.restype = ctypes.c_int
            found.shm_open.restype = ctypes.c_int
            found.mq_timedreceive.restype = ctypes.c_ssize_t
        except (OSError, AttributeError):
            continue
        found.mq_open.argtypes = [ctypes.c_char_p, ctypes.c_int]
        found.shm_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.c_uint]
        found.mq_timedsend.argtypes = [ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.POINTER(_Time)]
        found.mq_timedreceive.argtypes = [
            ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(ctypes.c_uint), ctypes.POINTER(_Time)]
        _library = found
        return found
    raise OSError("the C library has no mq_open")


def _failed(what: str) -> OSError:
    number = ctypes.get_errno()
    return OSError(number, "%s: %s" % (what, os.strerror(number)))


class Queue:
    """A queue that exists, open for reading or for writing; nothing here waits. Its descriptor can be polled."""

    def __init__(self, name: str, write: bool = False) -> None:
        self._library = _load()
        self._name = name
        self._into = ctypes.create_string_buffer(MESSAGE_MAX)
        self._fd = self._library.mq_open(name.encode(), os.O_WRONLY if write else os.O_RDONLY)
        if self._fd < 0:
            raise _failed("mq_open %s" % name)

    def fileno(self) -> int:
        return self._fd

    def receive(self) -> Optional[bytes]:
        """The next message, or None: a time limit in the past makes it answer at once."""
        while True:
            size = self._library.mq_timedreceive(self._fd, self._into, MESSAGE_MAX, None, ctypes.byref(_PAST))
            if size >= 0:
                return self._into.raw[:size]
            number = ctypes.get_errno()
            if number in (errno.ETIMEDOUT, errno.EAGAIN):
                return None
            if number != errno.EINTR:
                raise _failed("mq_timedreceive %s" % self._name)

    def send(self, message: bytes) -> bool:
        """False if it is full."""
        while self._library.mq_timedsend(self._fd, message, len(message), 0, ctypes.byref(_PAST)) != 0:
            number = ctypes.get_errno()
            if number in (errno.ETIMEDOUT, errno.EAGAIN):
                return False
            if number != errno.EINTR:
                raise _failed("mq_timedsend %s" % self._name)
        return True

    def close(self) -> None:
        """Works any number of times."""
        if self._fd >= 0:
            self._library.mq_close(self._fd)
            self._fd = -1


def map_segment(name: str, least: int) -> mmap.mmap:
    """Maps a segment that exists, read-only. :raises OSError: if it is not there or has fewer than `least` bytes"""
    fd = _load().shm_open(name.encode(), os.O_RDONLY, 0)
    if fd < 0:
        raise _failed("shm_open %s" % name)
    try:
        size = os.fstat(fd).st_size
        if size < least:
            raise OSError(errno.ERANGE, "%s has %d bytes, %d are wanted" % (name, size, least))
        return mmap.mmap(fd, size, mmap.MAP_SHARED, mmap.PROT_READ)
    finally:
        os.close(fd)
