"""A ZeroMQ subscriber: pyzmq if it is installed, else the part of ZMTP 3.0 that subscribing needs, over a plain socket."""

import socket
import time
from typing import Any, List, Optional, Tuple

try:
    import zmq
except ImportError:
    zmq = None

_GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_READY = b"\x05READY\x0bSocket-Type\x00\x00\x00\x03SUB"
_MORE, _LONG, _COMMAND = 1, 2, 4
_RETRY = 0.1
"""Seconds between attempts to connect."""
_MOST = 1 << 34
"""Longest frame in bytes."""


class Closed(OSError):
    """The other side closed the connection."""


class Late(Exception):
    """The time is over."""


class Subscriber:
    """Messages of a publisher at ``ipc://PATH`` or ``tcp://HOST:PORT``. It may come later, go away and come again."""

    def __init__(self, endpoint: str, topic: bytes = b"") -> None:
        address(endpoint)
        self._endpoint = endpoint
        self._connection: Any = Zmq(endpoint, topic) if zmq is not None else Connection(endpoint, topic)

    def receive(self, timeout: Optional[float] = None) -> List[Any]:
        """The frames of the next message. :raises TimeoutError: naming the endpoint"""
        try:
            return self._connection.receive(None if timeout is None else time.monotonic() + timeout)
        except Late:
            raise TimeoutError("nothing came from %s within %g s" % (self._endpoint, timeout or 0)) from None

    def close(self) -> None:
        """Works twice."""
        self._connection.close()

    def __enter__(self) -> "Subscriber":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class Zmq:
    """The library's socket."""

    def __init__(self, endpoint: str, topic: bytes) -> None:
        self._socket = zmq.Context.instance().socket(zmq.SUB)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.SUBSCRIBE, topic)
        self._socket.connect(endpoint)

    def receive(self, deadline: Optional[float]) -> List[Any]:
        """Frames, or :raises Late:"""
        if deadline is not None and not self._socket.poll(max(0, int((deadline - time.monotonic()) * 1000))):
            raise Late
        return [frame.buffer for frame in self._socket.recv_multipart(copy=False)]

    def close(self) -> None:
        """Works twice."""
        self._socket.close()


class Connection:
    """One connection after the other, each with greeting, READY and subscription."""

    def __init__(self, endpoint: str, topic: bytes) -> None:
        self._family, self._address = address(endpoint)
        self._topic = topic
        self._socket: Optional[socket.socket] = None
        self._deadline: Optional[float] = None

    def receive(self, deadline: Optional[float]) -> List[Any]:
        """Frames, or :raises Late: What had come of a message by then is lost, but a publisher serves new connections."""
        self._deadline = deadline
        while True:
            try:
                if self._socket is None:
                    self._open()
                return self._message()
            except Late:
                # Between messages the connection may stay.
                raise
            except OSError:
                self.close()
                self._pause()

    def close(self) -> None:
        """Works twice."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _open(self) -> None:
        self._socket = socket.socket(self._family, socket.SOCK_STREAM)
        try:
            self._wait()
            self._socket.connect(self._address)
            self._socket.sendall(_GREETING)
            greeting = self._read(64)
            if greeting[0] != 0xFF or greeting[9] & 1 == 0 or greeting[10] < 3 or not bytes(greeting[12:32]).startswith(b"NULL\0"):
                raise OSError("not a publisher that speaks ZMTP 3 without password")
            self._send(_COMMAND, _READY)
            while not self._command.startswith(b"\x05READY"):
                self._frame()
            self._send(0, b"\x01" + self._topic)
        except BaseException:
            self.close()
            raise

    _command = b""

    def _message(self) -> List[Any]:
        frames: List[Any] = []
        more = True
        while more:
            try:
                flags, body = self._frame()
            except Late:
                if frames:
                    self.close()
                raise
            if not flags & _COMMAND:
                frames.append(memoryview(body).toreadonly())
                more = bool(flags & _MORE)
        return frames

    def _frame(self) -> Tuple[int, bytearray]:
        """Flags and contents of the next frame. Commands are dealt with here."""
        flags = self._read(1)[0]
        try:
            size = int.from_bytes(self._read(8 if flags & _LONG else 1), "big")
            if size > _MOST:
                raise OSError("a frame of %d bytes" % size)
            body = self._read(size)
        except Late:
            # A part of a frame has come: nothing behind it can be understood.
            self.close()
            raise
        if flags & _COMMAND:
            self._command = bytes(body)
            if body.startswith(b"\x04PING"):
                self._send(_COMMAND, b"\x04PONG" + bytes(body[7:23]))
            elif body.startswith(b"\x05ERROR"):
                raise OSError("the publisher refused: %r" % bytes(body[7:]))
        return flags, body

    def _read(self, count: int) -> bytearray:
        data = bytearray(count)
        view = memoryview(data)
        while len(view):
            self._wait()
            try:
                got = self._socket.recv_into(view)
            except socket.timeout:
                raise Late from None
            if got == 0:
                raise Closed("the publisher closed the connection")
            view = view[got:]
        return data

    def _send(self, flags: int, body: bytes) -> None:
        self._socket.sendall(bytes([flags, len(body)]) + body)

    def _left(self) -> Optional[float]:
        """Seconds until the deadline. :raises Late:"""
        if self._deadline is None:
            return None
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise Late
        return left

    def _wait(self) -> None:
        self._socket.settimeout(self._left())

    def _pause(self) -> None:
        left = self._left()
        time.sleep(_RETRY if left is None else min(left, _RETRY))


def address(endpoint: str) -> Tuple[int, Any]:
    """Family and address of a socket. :raises ValueError: if it is none"""
    if endpoint.startswith("ipc://") and len(endpoint) > 6:
        return socket.AF_UNIX, endpoint[6:]
    host, _, port = endpoint[6:].rpartition(":") if endpoint.startswith("tcp://") else ("", "", "")
    if not host or not port.isdigit():
        raise ValueError("%s is no endpoint: write ipc://PATH or tcp://HOST:PORT" % endpoint)
    host = host.strip("[]")
    return (socket.AF_INET6 if ":" in host else socket.AF_INET), (host, int(port))
