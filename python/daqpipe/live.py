"""
Recent events of a run that is being taken, from shmem-serve or the existing monitor server::

    from daqpipe import live
    for evt in live.events("tst"):
        print(evt.timestamp, evt["hsd"][0].raw.waveform.mean())

Every dgram is copied and its buffer returned at once, by a thread, so a slow loop holds up nobody: it sees fewer events, all recent.
``python3 -m daqpipe.live TAG`` prints what comes.
"""

import argparse
import collections
import select
import socket
import struct
import sys
import threading
import time
from typing import Deque, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from .dgram import Dgram, Event
from .errors import DaqpipeError
from .posix import Queue, map_segment
from .xtc.layout import BEGIN_RUN, BEGIN_STEP, CONFIGURE, DGRAM_SIZE, DISABLE, ENABLE, END_OF_BATCH, END_RUN, END_STEP, L1_ACCEPT, \
    UNCONFIGURE, XTC_SIZE
from .xtc.table import Table

__all__ = ["Live", "NoServer", "dgrams", "events"]

_MESSAGE = struct.Struct("<iiII")
_extent = struct.Struct("<I").unpack_from
TRANSITION_BUFFERS = 18
_LEVELS = {CONFIGURE: 0, BEGIN_RUN: 1, BEGIN_STEP: 2, ENABLE: 3}
_ENDS = {UNCONFIGURE: 0, END_RUN: 1, END_STEP: 2, DISABLE: 3}
_EVENTS = (L1_ACCEPT, END_OF_BATCH)
_LOOK = 0.1
"""Seconds between two tries to find a server, and between two looks whether to stop."""


class NoServer(DaqpipeError, ConnectionError):
    """No server of this tag within the time, or all its clients are taken."""


class Counts(NamedTuple):
    """received = given + replaced + invalid + what waits."""

    received: int
    given: int
    replaced: int
    invalid: int


class _Guard:
    """What a client believes of a server: kinds and order. One per connection."""

    def __init__(self) -> None:
        self.level = -1
        self.enables = False

    def passes(self, service: int, as_transition: bool) -> bool:
        if (service in _EVENTS) == as_transition:
            return False
        if not as_transition:
            return self.level >= 0 and not (self.enables and self.level < 3)
        begin, end = _LEVELS.get(service), _ENDS.get(service)
        if begin == 0:
            self.enables = False
        elif self.level < 0 or begin is not None and self.level >= begin or end is not None and self.level < end:
            return False
        if begin is not None:
            self.level = begin
            self.enables = self.enables or begin == 3
        elif end is not None:
            self.level = end - 1
        return True


class _Connection:
    """One server, from the hand-shake to its end."""

    def __init__(self, tag: str, deadline: float, stop: threading.Event) -> None:
        self._open: List[object] = []
        self.guard = _Guard()
        while True:
            try:
                self._connect(tag)
                return
            except OSError as problem:
                self.close()
                if time.monotonic() >= deadline:
                    raise NoServer("tag %s: %s" % (tag, problem)) from None
                if stop.wait(_LOOK):
                    raise NoServer("stopped") from None

    def _connect(self, tag: str) -> None:
        self.socket = socket.create_connection(("127.0.0.1", _port(tag)), timeout=5)
        self._open.append(self.socket)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        hello = self._message()
        if hello is None:
            raise ConnectionError("the server closed the connection: all its clients are taken")
        number, counts, size, _ = _MESSAGE.unpack(hello)
        self._words = hello[4:]
        self.last, self.size = counts & 0xFF, size & 0x0FFFFFFF
        self.first = self.last - TRANSITION_BUFFERS
        back = counts >> 16 & 0xFF or number + 1
        self.memory = map_segment("/PdsMonitorSharedMemory_" + tag, self.last * self.size)
        self._open.append(self.memory)
        self.queue = Queue("/PdsToMonitorEvQueue_%s_%d" % (tag, number))
        self._open.append(self.queue)
        self._returns = Queue("/PdsToMonitorEvQueue_%s_%d" % (tag, back), write=True)
        self._open.append(self._returns)
        self._poll = select.poll()
        for source in (self.socket, self.queue):
            self._poll.register(source, select.POLLIN)

    def _message(self) -> Optional[bytes]:
        data = b""
        while len(data) < _MESSAGE.size:
            try:
                part = self.socket.recv(_MESSAGE.size - len(data))
            except ConnectionResetError:  # the server left with answers of ours unread: an ordinary end
                part = b""
            if not part:
                return None
            data += part
        return data

    def next(self) -> Optional[List[Tuple[Optional[bytes], bool]]]:
        """Dgrams that are there (None for one that is wrong), and whether each is an event; None when the server has ended."""
        ready = dict(self._poll.poll(_LOOK * 1000))
        if self.socket.fileno() in ready:  # transitions go before the events that follow them
            message = self._message()
            if message is None:
                return None
            index = _MESSAGE.unpack(message)[0]
            dgram = self._copy(index, True)
            try:
                self.socket.sendall(struct.pack("<i", index) + self._words)
            except (BrokenPipeError, ConnectionResetError):
                pass  # the next read says that it has ended
            return [(dgram, False)]
        found: List[Tuple[Optional[bytes], bool]] = []
        if self.queue.fileno() in ready:
            message = self.queue.receive()
            if message is not None and len(message) == _MESSAGE.size:
                index = _MESSAGE.unpack(message)[0]
                found.append((self._copy(index, False), True))
                self._returns.send(struct.pack("<i", index) + self._words)
        return found

    def _copy(self, index: int, transition: bool) -> Optional[bytes]:
        low, high = (self.first, self.last) if transition else (0, self.first)
        if not low <= index < high:
            return None
        at = index * self.size
        size = XTC_SIZE + _extent(self.memory, at + DGRAM_SIZE - 4)[0]
        if not DGRAM_SIZE <= size <= self.size:
            return None
        # Copied first and checked after: the memory is another process'.
        dgram = self.memory[at:at + size]
        if _extent(dgram, DGRAM_SIZE - 4)[0] != size - XTC_SIZE or not self.guard.passes(dgram[11] & 15, transition):
            return None
        return dgram

    def close(self) -> None:
        for resource in self._open:
            resource.close()  # type: ignore[attr-defined]
        self._open.clear()


def _port(tag: str) -> int:
    """Takes the message with the port; the server puts the next one there."""
    queue = Queue("/PdsFromMonitorDiscovery_" + tag)
    try:
        poll = select.poll()
        poll.register(queue, select.POLLIN)
        poll.poll(1000)
        message = queue.receive()
    finally:
        queue.close()
    if message is None or len(message) != _MESSAGE.size:
        raise ConnectionError("no server tells its port")
    return int(_MESSAGE.unpack(message)[0]) & 0xFFFF


class Live:
    """
    Dgrams of a live server: an iterator, and a context that ends the connection.

    :param depth: events that wait while the loop is busy; 1 is the latest only, transitions wait all
    :param wait: seconds to wait for a server at first
    :param reconnect: go on with the next server of this tag when one ends
    :raises NoServer: if there is none in time
    """

    def __init__(self, tag: str, depth: int = 1, wait: float = 10, reconnect: bool = False) -> None:
        if depth < 1:
            raise ValueError("depth is 1 or more, not %r" % depth)
        self._tag, self._depth, self._reconnect = tag, depth, reconnect
        self._items: Deque[Tuple[bytes, bool]] = collections.deque()
        self._news = threading.Condition()
        self._events = self._received = self._given = self._replaced = self._invalid = 0
        self._stop = threading.Event()
        self._over = False
        self._problem: Optional[BaseException] = None
        self._table = Table()
        connection = _Connection(tag, time.monotonic() + wait, self._stop)
        self._thread = threading.Thread(target=self._run, args=(connection,), name="daqpipe.live", daemon=True)
        self._thread.start()

    @property
    def counts(self) -> Counts:
        """received = given + replaced + invalid + what waits."""
        with self._news:
            return Counts(self._received, self._given, self._replaced, self._invalid)

    def close(self) -> None:
        """Ends the connection. Works any number of times."""
        self._stop.set()
        self._thread.join()

    def __enter__(self) -> "Live":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> "Live":
        return self

    def __next__(self) -> Dgram:
        with self._news:
            while not self._items:
                if self._problem is not None:
                    raise self._problem
                if self._over:
                    raise StopIteration
                self._news.wait()
            data, event = self._items.popleft()
            self._events -= event
            self._given += 1
        return self._opened(data, event)

    def _opened(self, data: bytes, event: bool) -> Dgram:
        if event:
            return Event(memoryview(data), 0, len(data), 0, self._table, None)
        if data[11] & 15 == CONFIGURE:
            self._table = Table()
        dgram = Dgram(memoryview(data), 0, len(data), 0, self._table, None)
        self._table.learn_labels(memoryview(data), 0, dgram._contents())
        return dgram

    # The thread

    def _run(self, first: _Connection) -> None:
        connection = first
        try:
            while True:
                try:
                    self._serve(connection)
                finally:
                    connection.close()
                if not self._reconnect or self._stop.wait(_LOOK):
                    return
                connection = _Connection(self._tag, float("inf"), self._stop)
        except NoServer:
            pass  # stopped while it looked for one
        except BaseException as problem:  # raised where the user is
            self._problem = problem
        finally:
            with self._news:
                self._over = True
                self._news.notify_all()

    def _serve(self, connection: _Connection) -> None:
        while not self._stop.is_set():
            found = connection.next()
            if found is None:
                return
            with self._news:
                for dgram, event in found:
                    self._add(dgram, event)
                self._news.notify_all()

    def _add(self, dgram: Optional[bytes], event: bool) -> None:
        self._received += 1
        if dgram is None:
            self._invalid += 1
            return
        if event and self._events >= self._depth:
            oldest = next(i for i, item in enumerate(self._items) if item[1])
            del self._items[oldest]
            self._events -= 1
            self._replaced += 1
        self._items.append((dgram, event))
        self._events += event


def dgrams(tag: str, depth: int = 1, wait: float = 10, reconnect: bool = False) -> Iterator[Dgram]:
    """Every transition and the latest events, until the server ends; arguments as for :class:`Live`."""
    with Live(tag, depth, wait, reconnect) as source:
        yield from source


def events(tag: str, depth: int = 1, wait: float = 10, reconnect: bool = False) -> Iterator[Event]:
    """The latest events, decoded with the Configure before them; arguments as for :class:`Live`."""
    for dgram in dgrams(tag, depth, wait, reconnect):
        if isinstance(dgram, Event):
            yield dgram


def main(argv: Optional[Sequence[str]] = None) -> int:
    parser = argparse.ArgumentParser(prog="python3 -m daqpipe.live", description="Prints what comes from a live server.")
    parser.add_argument("tag")
    parser.add_argument("-n", "--count", type=int, default=0, help="end after so many dgrams")
    parser.add_argument("--depth", type=int, default=1, help="events that may wait (1: the latest only)")
    parser.add_argument("--wait", type=float, default=10, help="seconds to wait for a server")
    parser.add_argument("--reconnect", action="store_true", help="go on with the next server")
    options = parser.parse_args(argv)
    try:
        with Live(options.tag, options.depth, options.wait, options.reconnect) as source:
            for n, dgram in enumerate(source, 1):
                print(dgram.timestamp, dgram.service.name, dgram.size, " ".join(dgram.detectors), flush=True)
                if n == options.count:
                    break
            sys.stderr.write("received %d = given %d + replaced %d + invalid %d\n" % source.counts)
    except NoServer as problem:
        sys.stderr.write("daqpipe.live: %s\n" % problem)
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
