"""``run``: calls the script's function for every event, or for every batch, and answers."""

import time
from typing import Any, Callable, Optional

from ..errors import Misuse
from . import conversation
from .answers import WrongAnswer, encode
from .columns import Batch
from .event import Event
from .prim import BadPrimitive
from .protocol import ENTRY, EVENTS, EXCEPTION, OK_STATUS, PRIMITIVE_REJECTED, RESULT, WRONG_VALUE
from .conversation import Session, describe

FLUSH_AFTER = 0.01
"""Seconds after which answers are sent although the batch is not done."""
_entry, _put = ENTRY.unpack_from, RESULT.pack_into


class MissingKey(BadPrimitive):
    """A declared key is not there, and the script wants that to be a failure."""


def run(decide: Optional[Callable[[Event], Any]] = None, batch: Optional[Callable[[Batch], Any]] = None, stateless: bool = False,
        versions: str = "lenient", keys: str = "lenient") -> None:
    """
    Decides until teb-decide says stop.

    :param decide: called with every event; returns bool, (persist, monitor), (persist, monitor, aux) or None, which keeps it
    :param batch: called with columns of many events instead; returns (persist, monitor) as sequences or scalars
    :param stateless: the answers do not depend on the events before: several deciders may share the work
    :param versions: "strict": a version that was not declared fails the event instead of making the primitive missing
    :param keys: "strict": a declared key that is not there fails the event
    """
    if (decide is None) == (batch is None):
        raise Misuse("run() takes either a function for one event or batch=, a function for many")
    for name, value in (("versions", versions), ("keys", keys)):
        if value not in ("lenient", "strict"):
            raise ValueError("run(%s=%r): it is lenient or strict" % (name, value))
    session = conversation.session()
    session.strict_versions = versions == "strict"
    conversation.pid_in_hand = lambda: _pid_in_hand(session)
    answer = _Events(session, decide, keys == "strict") if decide is not None else _Batches(session, batch, keys == "strict")
    session.ready(stateless)
    while True:
        frame = session.receive()
        if frame is None:
            return
        if frame.kind == EVENTS:
            answer(frame.payload, frame.count)
            session.flush()


class _Events:
    def __init__(self, session: Session, decide: Callable[[Event], Any], strict: bool) -> None:
        self._session = session
        self._decide = decide
        self._strict = strict

    def __call__(self, buffer: bytes, count: int) -> None:
        session, decide, strict, results = self._session, self._decide, self._strict, self._session.results
        at = 0
        began = time.monotonic()
        for i in range(count):
            pid, contributions, damage, size = _entry(buffer, at)
            at += 16
            session.rejected = False
            missed = strict and dict(session.missed)
            trouble = None
            status = OK_STATUS
            try:
                data = encode(decide(Event(session, buffer, at, contributions, pid, damage, i)))
                if missed is not False and missed != session.missed:
                    check_keys(session, missed)
            except WrongAnswer as error:
                data, status, trouble = 0, WRONG_VALUE, str(error)
            except Exception as error:  # whatever the script raises concerns this event only
                data, status, trouble = 0, EXCEPTION, describe(error)
            at += size
            _put(results, i * 16, pid, data, status | PRIMITIVE_REJECTED if session.rejected else status)
            session.done = i + 1
            if trouble is not None:
                session.flush()
                session.report(pid, trouble)
                began = time.monotonic()
            elif time.monotonic() - began > FLUSH_AFTER and i + 1 < count:
                session.flush()
                began = time.monotonic()


class _Batches:
    def __init__(self, session: Session, decide: Any, strict: bool) -> None:
        self._session = session
        self._decide = decide
        self._strict = strict

    def __call__(self, buffer: bytes, count: int) -> None:
        session = self._session
        try:
            self._some(Batch(session, buffer, count))
            session.done = count
            return
        except Exception as error:
            if count == 1:
                self._failed(0, error)
                return
        # One of them made it fail: it is found by asking for each alone.
        whole = Batch(session, buffer, count)
        for i in range(count):
            try:
                self._some(whole.only(i))
                session.done = i + 1
            except Exception as error:
                self._failed(i, error)

    def _some(self, columns: Batch) -> None:
        session = self._session
        session.rejected = False
        missed = self._strict and dict(session.missed)
        answer = self._decide(columns)
        if missed is not False and missed != session.missed:
            check_keys(session, missed)
        columns.answer(answer, session.results)

    def _failed(self, i: int, error: Exception) -> None:
        session = self._session
        pid = _pid_of(session, i)
        wrong = isinstance(error, WrongAnswer)
        _put(session.results, i * 16, pid, 0, WRONG_VALUE if wrong else EXCEPTION)
        session.done = i + 1
        session.flush()
        session.report(pid, str(error) if wrong else describe(error))


def check_keys(session: Session, before: Any) -> None:
    """:raises MissingKey: naming declared keys that were missed since"""
    names = [name for name, count in session.missed.items() if count != before.get(name, 0)]
    declared = {"%s.%s" % (session.aliases.get(session.source(alias), alias), key)
                for alias, d in session.declared.items() for key in d.keys}
    lacking = [name for name in names if name in declared]
    if lacking:
        raise MissingKey("missing %s" % ", ".join(sorted(lacking)))


def _pid_of(session: Session, i: int) -> int:
    at = 0
    buffer = session.frame.payload if session.frame is not None else b""
    for _ in range(i):
        at += 16 + _entry(buffer, at)[3]
    return _entry(buffer, at)[0]


def _pid_in_hand(session: Session) -> Optional[int]:
    frame = session.frame
    return _pid_of(session, session.done) if frame is not None and session.done < frame.count else None
