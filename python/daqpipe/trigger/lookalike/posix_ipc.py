"""
The part of the module posix_ipc that the existing trigger runtime uses, for places without it. With ``DAQPIPE_TEB_QUEUES=in,out`` its queues
are two pipes with u32 length-prefixed messages, and its memories files in the folder ``DAQPIPE_TEB_MEMORY``; else they are the real ones.
"""

import ctypes
import os
from struct import Struct
from typing import Any, Optional, Tuple

O_CREAT, O_EXCL = os.O_CREAT, os.O_EXCL
_LENGTH = Struct("<I")
_PIPES = [int(fd) for fd in os.environ.get("DAQPIPE_TEB_QUEUES", "").split(",") if fd]
_FOLDER = os.environ.get("DAQPIPE_TEB_MEMORY", "/dev/shm")


class Error(Exception):
    """What goes wrong here."""


class ExistentialError(Error):
    """There is no object of this name, or there is one already."""


class MessageQueue:
    """A queue for sending or for receiving. :raises ExistentialError: if there is none"""

    def __init__(self, name: str, flags: int = 0, mode: int = 0o600, max_messages: int = 1, max_message_size: int = 512, read: bool = True,
                 write: bool = True) -> None:
        self.name = name
        if _PIPES:
            self.mqd = _PIPES[0] if read else _PIPES[1]
            os.set_blocking(self.mqd, True)
        else:
            way = os.O_RDWR if read and write else os.O_RDONLY if read else os.O_WRONLY
            self.mqd = _check(_library().mq_open(name.encode(), way), name)
        self.max_message_size = max_message_size
        self._buffer = None if _PIPES else ctypes.create_string_buffer(max_message_size)

    def send(self, message: Any, timeout: Optional[float] = None, priority: int = 0) -> None:
        """Waits until there is room."""
        data = message.encode() if isinstance(message, str) else bytes(message)
        if _PIPES:
            rest = memoryview(_LENGTH.pack(len(data)) + data)
            while rest:
                rest = rest[os.write(self.mqd, rest):]
        else:
            _check(_library().mq_send(self.mqd, data, len(data), priority), self.name)

    def receive(self, timeout: Optional[float] = None) -> Tuple[bytes, int]:
        """Waits for a message; the message and its priority."""
        if self._buffer is None:
            return self._read(_LENGTH.unpack(self._read(_LENGTH.size))[0]), 0
        priority = ctypes.c_uint()
        length = _check(_library().mq_receive(self.mqd, self._buffer, len(self._buffer), ctypes.byref(priority)), self.name)
        return self._buffer.raw[:length], priority.value

    def close(self) -> None:
        """Nothing: it ends with the process."""

    def unlink(self) -> None:
        """Nothing: teb-decide removes what it made."""

    def _read(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            part = os.read(self.mqd, size - len(found))
            if not part:
                raise Error("the other side is gone")
            found += part
        return found


class SharedMemory:
    """A memory that teb-decide has made. :raises ExistentialError: if there is none"""

    def __init__(self, name: str, flags: int = 0, mode: int = 0o600, size: int = 0, read_only: bool = False) -> None:
        self.name = name
        try:
            self.fd = os.open(os.path.join(_FOLDER, name.lstrip("/")), os.O_RDONLY if read_only else os.O_RDWR)
        except FileNotFoundError as error:
            raise ExistentialError(str(error)) from None
        except OSError as error:
            raise Error(str(error)) from None
        self.size = size or os.fstat(self.fd).st_size

    def close_fd(self) -> None:
        """Closes the descriptor; mappings stay."""
        os.close(self.fd)

    def unlink(self) -> None:
        """Removes the name. :raises ExistentialError: if it is gone already"""
        unlink_shared_memory(self.name)


def unlink_shared_memory(name: str) -> None:
    """:raises ExistentialError: if there is none"""
    try:
        os.unlink(os.path.join(_FOLDER, name.lstrip("/")))
    except FileNotFoundError as error:
        raise ExistentialError(str(error)) from None


_loaded: Any = None


def _library() -> Any:
    global _loaded
    if _loaded is None:
        try:
            _loaded = ctypes.CDLL("librt.so.1", use_errno=True)
        except OSError:
            _loaded = ctypes.CDLL(None, use_errno=True)
        _loaded.mq_receive.restype = ctypes.c_ssize_t
    return _loaded


def _check(result: int, name: str) -> int:
    if result >= 0:
        return result
    code = ctypes.get_errno()
    kind = ExistentialError if code in (2, 17) else Error
    raise kind("%s: %s" % (name, os.strerror(code)))
