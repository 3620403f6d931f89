"""The one conversation of this process with teb-decide: what was said at the beginning, what the script declared, what was counted."""

import atexit
import json
import os
import sys
import time
import traceback
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from ..errors import Misuse
from . import prim
from .channel import Frame, PipeChannel
from .protocol import CONFIGURE, EVENTS, HELLO, RESULT, STOP
from .views import KINDS, kind_of

_PACKAGE = os.path.dirname(os.path.abspath(__file__))
_COUNTS_EVERY = 0.2
_TEXTS_AT_ONCE = 10


class Session:
    """Opened by the first who needs it; :func:`session` gives it."""

    def __init__(self, channel: Any) -> None:
        self.channel = channel
        hello = channel.receive()
        if hello.kind != HELLO:
            raise OSError("teb-decide began with frame kind %d" % hello.kind)
        said = json.loads(hello.payload)
        self.connect: Dict[str, Any] = said.get("connect", {})
        self.partition: int = said.get("partition", 0)
        self.key: str = said.get("key", "")
        self.allow_pickle = bool(said.get("allowPickle", False))
        body = self.connect.get("body", {})
        self.aliases: Dict[int, str] = {}
        self.groups: Dict[int, int] = {}
        self.kinds: Dict[int, str] = {}
        """Kinds of primitives, as far as the configuration tells."""
        for node in body.get("drp", {}).values():
            self.aliases[node["drp_id"]] = node["proc_info"]["alias"]
            info = node.get("det_info", {})
            self.groups[node["drp_id"]] = info.get("readout", 0)
            if "primitive" in info:
                self.kinds[node["drp_id"]] = info["primitive"]
        self.sources: Dict[str, int] = {alias: source for source, alias in self.aliases.items()}
        self.monitors: List[Tuple[int, str]] = [(node["meb_id"], node["proc_info"]["alias"]) for node in body.get("meb", {}).values()]
        self.common = 1 << self.partition
        self.body: Any = {}
        """The trigger's part of the configuration."""
        self.declared: Dict[str, prim.Declaration] = {}
        self._by_source: Dict[int, Tuple[prim.Declaration, Any, Callable[[str], None]]] = {}
        self.bad: Dict[str, int] = {}
        self.missed: Dict[str, int] = {}
        self._counted = False
        self._sent_counts = 0.0
        self.rejected = False
        """A primitive of the event in hand was rejected."""
        self.strict_versions = False
        self.configured = False
        self.stopped = False
        self.frame: Optional[Frame] = None
        """EVENTS that are being worked on."""
        self.results = bytearray()
        self.done = 0
        """Events of the frame with a result; the first `sent` of them have been sent."""
        self.sent = 0
        self._texts = float(_TEXTS_AT_ONCE)
        self._texts_at = time.monotonic()

    # Beginning and end

    def ready(self, stateless: bool = False) -> None:
        """Answers HELLO, and waits for CONFIGURE."""
        accepted = [{"alias": alias, "kind": d.kind, "version": d.versions, "schema": d.schemas, "keys": d.keys}
                    for alias, d in self.declared.items()]
        self.channel.ready({"api": 1, "stateless": stateless, "accept": accepted})
        frame = self.receive()
        if frame is not None and frame.kind == EVENTS:
            raise OSError("teb-decide sent events before CONFIGURE")

    def receive(self) -> Optional[Frame]:
        """The next EVENTS or CONFIGURE (which is answered), or None at STOP and at the end of the pipe."""
        if self.stopped:
            return None
        try:
            frame = self.channel.receive()
        except (EOFError, ConnectionError):
            self.stopped = True
            return None
        if frame.kind == STOP:
            self.stopped = True
            self.send_counts(True)
            return None
        if frame.kind == CONFIGURE:
            self.body = json.loads(frame.payload or b"{}")
            self.configured = True
            self.channel.ok()
        elif frame.kind == EVENTS:
            self.frame = frame
            self.done = self.sent = 0
            if len(self.results) < frame.count * RESULT.size:
                self.results = bytearray(frame.count * RESULT.size)
        else:
            raise OSError("frame kind %d from teb-decide" % frame.kind)
        return frame

    def flush(self) -> None:
        """Sends the results that have not been sent."""
        frame = self.frame
        if frame is None:
            return
        count = self.done - self.sent
        complete = self.done == frame.count
        if count or complete:
            part = memoryview(self.results)[self.sent * RESULT.size:self.done * RESULT.size]
            self.channel.results(frame.number, count, part, more=not complete)
            self.sent = self.done
        if complete:
            self.frame = None
            if self._counted:
                self.send_counts()

    def close(self) -> None:
        """At the end of the process: what has been decided is not lost."""
        try:
            if self.frame is not None and not self.stopped:
                self.flush()
        except OSError:
            pass

    def fail(self, error: BaseException, pid: Optional[int]) -> None:
        """The end of the script by an exception: results of the events before, then what happened."""
        try:
            if self.frame is not None and self.done > self.sent:
                self.flush()
            self.channel.error(pid, describe(error))
        except OSError:
            pass
        self.frame = None

    def report(self, pid: int, text: str) -> None:
        """What went wrong with one event; a flood of such texts is thinned out, the events' statuses tell of all."""
        now = time.monotonic()
        self._texts = min(_TEXTS_AT_ONCE, self._texts + now - self._texts_at)
        self._texts_at = now
        if self._texts >= 1:
            self._texts -= 1
            self.channel.error(pid, text)

    # Primitives

    def declare(self, alias: str, declaration: prim.Declaration) -> None:
        """What the script accepts from a source. :raises ValueError: for a kind that does not exist"""
        if declaration.kind is not None and declaration.kind not in KINDS and declaration.kind not in ("tprm", "bytes"):
            raise ValueError("accept(%r, kind=%r): the kinds are tprm, bytes, %s" % (alias, declaration.kind, ", ".join(KINDS)))
        self.declared[alias] = declaration
        self._by_source.clear()

    def source(self, alias: str) -> int:
        """Number of a source; the name of a detector stands for its only segment. -1 if there is none."""
        found = self.sources.get(alias)
        if found is None:
            segments = [source for known, source in self.sources.items() if known.rpartition("_")[0] == alias]
            found = self.sources[alias] = segments[0] if len(segments) == 1 else -1
        return found

    def rules(self, source: int) -> Tuple[prim.Declaration, Any, Callable[[str], None]]:
        """Declaration, view (None: it depends on the payload), and who counts missing keys."""
        found = self._by_source.get(source)
        if found is None:
            alias = self.aliases.get(source, str(source))
            name = alias if alias in self.declared else next((n for n in self.declared if self.source(n) == source), alias)
            declared = self.declared.get(name, prim.EVERYTHING)
            kind = declared.kind or self.kinds.get(source) or kind_of(alias)
            found = self._by_source[source] = (declared, KINDS.get(kind) if kind else None, self._miss(alias))
        return found

    def read(self, source: int, payload: bytes) -> Any:
        """View, :class:`Prim` or bytes; None if the payload is empty or cannot be used, which is counted."""
        if not payload:
            return None
        declared, view, missed = self.rules(source)
        try:
            if declared.kind == "bytes":
                return payload
            if payload[:4] == prim.MAGIC and (declared.kind is None or declared.kind == "tprm"):
                return prim.decode(payload, declared, self.allow_pickle, missed)
            if declared.kind == "tprm":
                raise prim.BadPrimitive("no TPRM frame")
            if view is not None:
                return view(payload)
            return KINDS["tmo"](payload) if len(payload) == 8 else payload
        except prim.BadVersion:
            self.reject(source)
            if self.strict_versions:
                raise
        except ValueError:
            self.reject(source)
        return None

    def reject(self, source: int) -> None:
        """Counts a primitive that cannot be used."""
        alias = self.aliases.get(source, str(source))
        self.bad[alias] = self.bad.get(alias, 0) + 1
        self.rejected = self._counted = True

    def _miss(self, alias: str) -> Callable[[str], None]:
        def missed(key: str) -> None:
            name = "%s.%s" % (alias, key)
            self.missed[name] = self.missed.get(name, 0) + 1
            self._counted = True
        return missed

    def send_counts(self, now: bool = False) -> None:
        """Tells what has been counted, not too often."""
        if self._counted and (now or time.monotonic() - self._sent_counts > _COUNTS_EVERY):
            try:
                self.channel.counts({"prim_bad": self.bad, "missing_keys": self.missed})
            except OSError:
                return
            self._counted = False
            self._sent_counts = time.monotonic()

    # Monitors

    def mebs(self, names: Union[None, str, List[str], Tuple[str, ...]] = None) -> int:
        """Mask of all monitors, or of those whose alias contains the text, or one of the texts."""
        wanted = [""] if names is None else [names] if isinstance(names, str) else names
        return sum(1 << number for number, alias in self.monitors if any(name in alias for name in wanted))


def describe(error: BaseException) -> str:
    """The traceback, from the user's first line on."""
    frames = error.__traceback__
    while frames is not None and frames.tb_next is not None and _is_ours(frames.tb_frame.f_code.co_filename):
        frames = frames.tb_next
    return "".join(traceback.format_exception(type(error), error, frames))


def _is_ours(file: str) -> bool:
    return file.startswith(_PACKAGE) or file.startswith("<frozen")


_current: Optional[Session] = None
pid_in_hand: Callable[[], Optional[int]] = lambda: None
"""Which event the script is at; set by the loops."""


def opened() -> Optional[Session]:
    """The session, if anybody has needed it."""
    return _current


def session() -> Session:
    """:raises Misuse: if this process was not started by teb-decide"""
    global _current
    if _current is None:
        _current = Session(_channel())
        sys.excepthook = _on_exception
        atexit.register(_current.close)
    return _current


def _channel() -> Any:
    descriptors = os.environ.get("TEB_FD")
    if descriptors:
        return PipeChannel(descriptors)
    if any(word.startswith("-b") for word in sys.argv[1:]):
        from .upstream import QueueChannel
        return QueueChannel(sys.argv[1:])
    raise Misuse("this script decides about events: start it by teb-decide --script")


def _on_exception(kind: Any, error: BaseException, trace: Any) -> None:
    sys.stderr.write(describe(error))
    if _current is not None:
        _current.fail(error, pid_in_hand())
