"""The event loop of scripts for the existing system, on our pipes: ``ds.events()`` and ``ds.result()``."""

import argparse
import json
import sys
import time
from struct import Struct
from typing import Any, Dict, Iterator, Optional

from . import conversation
from .dgrams import EbDgram
from .protocol import (
    ALL_MEBS, ENTRY, EVENTS, HEADER_BYTES, NO_RESULT, OK_STATUS, PERSIST, PRIMITIVE_REJECTED, RECORD, RESULT, SECOND_RESULT, SRC_MASK,
    WRONG_VALUE,
)
from .running import FLUSH_AFTER

_entry, _put = ENTRY.unpack_from, RESULT.pack_into
_source_and_extent = Struct("<I4xI").unpack_from
_SOURCE_AT = 20
_HEADER = RECORD.size


class ArgsParser(argparse.ArgumentParser):
    """``-p`` and ``-b``; anything else is left to the script."""

    def __init__(self) -> None:
        super().__init__(add_help=False)
        self.add_argument("-p", type=int, choices=range(8), default=0, help="partition (default 0)")
        self.add_argument("-b", type=str, default=" ", help="IPC key base value")

    def parse(self) -> argparse.Namespace:
        """The two; `others` is what the script may look at itself."""
        self.args, self.args.others = self.parse_known_args()
        return self.args


class Event:
    """The contributions of an event, in increasing source number. Nothing is unpacked before it is asked for."""

    __slots__ = ("_buffer", "_at", "_count", "_numbers", "_iterator", "_payloads")

    def __init__(self, buffer: bytes, at: int, count: int, numbers: Dict[int, int]) -> None:
        self._buffer = buffer
        self._at = at
        self._count = count
        self._numbers = numbers
        self._iterator: Optional[Iterator[EbDgram]] = None
        self._payloads: Optional[Dict[int, bytes]] = None

    def __iter__(self) -> Iterator[EbDgram]:
        at, buffer = self._at, self._buffer
        for _ in range(self._count):
            dgram = EbDgram(buffer, at)
            yield dgram
            at += _HEADER - HEADER_BYTES + dgram.extent

    def __next__(self) -> EbDgram:
        if self._iterator is None:
            self._iterator = iter(self)
        return next(self._iterator)

    def payload(self) -> Dict[int, bytes]:
        """Payloads of the detectors that the script asked for, by the number of their :class:`Detector`."""
        if self._payloads is None:
            self._payloads = {}
            at, buffer, numbers = self._at, self._buffer, self._numbers
            for _ in range(self._count):
                source, extent = _source_and_extent(buffer, at + _SOURCE_AT)
                begin = at + _HEADER
                at = begin + extent - HEADER_BYTES
                number = numbers.get(source & SRC_MASK)
                if number is not None:
                    self._payloads[number] = buffer[begin:at]
        return self._payloads


class Detector:
    """What ``ds.detector`` gives."""

    def __init__(self, source: int, number: int, kind: Any, reject: Any) -> None:
        self._source = source
        self._number = number
        self._kind = kind
        self._reject = reject

    def trigger(self, event: Event) -> Any:
        """Its primitive in this event, or None if there is none or it is too short."""
        payload = event.payload().get(self._number)
        if not payload:
            return None
        try:
            return self._kind(payload)
        except ValueError:
            self._reject(self._source)
            return None


class TriggerDataSource:
    """Events in, decisions out."""

    def __init__(self, cfg_cb: Any = None) -> None:
        self.args = ArgsParser().parse()
        self._session = conversation.session()
        self._numbers: Dict[int, int] = {}
        self._data = 0
        self._given = -1
        self._trouble: Optional[str] = None
        self.connect_info: Any = self._session.connect
        self.connect_json = json.dumps(self.connect_info)
        conversation.pid_in_hand = lambda: self._pid
        self._pid: Optional[int] = None
        main = sys.modules.get("__main__")
        self._session.ready(bool(getattr(main, "stateless", False)))
        if cfg_cb is not None:
            cfg_cb()

    def events(self) -> Iterator[Event]:
        """One event per L1Accept in order of pulse ids; ends when teb-decide says stop."""
        session, numbers = self._session, self._numbers
        while True:
            frame = session.receive()
            if frame is None:
                return
            if frame.kind != EVENTS:
                continue
            buffer, results = frame.payload, session.results
            at = 0
            began = time.monotonic()
            for i in range(frame.count):
                self._pid, contributions, _, size = _entry(buffer, at)
                at += 16
                self._given = 0
                session.rejected = False
                yield Event(buffer, at, contributions, numbers)
                at += size
                if self._given == 1 and self._trouble is None and not session.rejected:
                    _put(results, i * 16, self._pid, self._data, OK_STATUS)
                    session.done = i + 1
                    if time.monotonic() - began < FLUSH_AFTER:
                        continue
                else:
                    self._settle(i)
                session.flush()
                began = time.monotonic()
            self._given = -1
            self._pid = None
            session.flush()

    def result(self, persist: Any, monitor: Any) -> None:
        """The decision, exactly once per event: `persist` by truth value, `monitor` a mask of which the lowest four bits count."""
        try:
            self._data = (PERSIST if persist else 0) | (monitor & ALL_MEBS) << 2
        except (TypeError, ValueError) as error:
            self._trouble = "result(%.40r, %.40r): %s" % (persist, monitor, error)
        self._count_result()

    def mebs(self, names: Any = None) -> int:
        """Mask of all monitors, or of those whose alias contains the text, or one of the texts."""
        return self._session.mebs(names)

    def detector(self, name: str, tebType: Any) -> Detector:
        """A source by its alias. :raises RuntimeError: if there is none"""
        source = self._session.sources.get(name, -1)
        if source < 0:
            raise RuntimeError("there is no detector %s; there are %s" % (name, ", ".join(sorted(self._session.aliases.values()))))
        number = self._numbers.setdefault(source, len(self._numbers))
        return Detector(source, number, tebType, self._session.reject)

    def _count_result(self) -> None:
        if self._given < 0:
            raise RuntimeError("result() outside of the loop over events()")
        self._given += 1

    def _settle(self, i: int) -> None:
        """The answer to an event with which something is the matter."""
        session = self._session
        text, self._trouble = self._trouble, None
        status, data = OK_STATUS, self._data
        if self._given != 1:
            status, data = (SECOND_RESULT if self._given else NO_RESULT), 0
            text = "result() was called %s for this event" % ("%d times" % self._given if self._given else "not once")
        elif text is not None:
            status, data = WRONG_VALUE, 0
        _put(session.results, i * 16, self._pid, data, status | (PRIMITIVE_REJECTED if session.rejected else 0))
        session.done = i + 1
        if text is not None:
            session.flush()
            session.report(self._pid or 0, text)


class CubeTriggerDataSource(TriggerDataSource):
    """Decisions with the words of the histogram use, which are carried unchanged."""

    def __init__(self, config: Dict[str, Any]) -> None:
        self.config = config
        self._bins = int(config["bins"])
        super().__init__()

    def result(self, persist: Any, record: Any, monitor: Any, bin_index: int, bin_record: Any, bin_monitor: Any,  # type: ignore[override]
               flush: Any = False) -> None:
        """`persist`: add to the cube; `record`: record the event; `flush`: the cube starts anew after it."""
        try:
            aux = bool(record) | bool(bin_record) << 1 | bool(bin_monitor) << 2 | bool(flush) << 3 | (bin_index & 0xFFFFF) << 4
            self._data = (PERSIST if persist else 0) | (monitor & ALL_MEBS) << 2 | aux << 8
        except (TypeError, ValueError) as error:
            self._trouble = str(error)
        self._count_result()

