"""
The stream of dgrams that a worker gets, and the results that it gives back. Scripts are driven from here in both styles: functions
are called (functions.py), a script with a loop of its own pulls.
"""

import sys
import time
from typing import Any, Callable, Dict, List, Optional, Tuple, Type

from .configuration import Configuration, own_detector
from .dgram import Dgram, Event
from .edit import Edit
from .errors import Misuse
from .frames import constants_told
from .links import Link
from .protocol import (
    DGRAMS, INPUT_CONSTANTS, INPUT_ENTRY, INPUT_PAYLOAD, INPUT_TABLE, KEEP_RAW, READY, RESULTS, SAME, SCRIPT, STOP, Message, encode,
)
from .results import ResultSlot, Waiting
from .run import Run
from .settings import Settings
from .xtc.layout import BEGIN_RUN, CONFIGURE, END_OF_BATCH, L1_ACCEPT, UNCONFIGURE
from .xtc.table import Table

_TRANSITIONS: Dict[int, Type[Dgram]] = {CONFIGURE: Configuration, BEGIN_RUN: Run}
_now = time.perf_counter_ns


class Ended(BaseException):
    """Unwinds a script that waits for a Configure while drp-python says that there will be none."""


class Stream:
    """Requests of drp-python, one after the other."""

    def __init__(self, link: Link, settings: Settings) -> None:
        self.link = link
        self.settings = settings
        self.table = Table((settings.det_name, settings.segment))
        self.run: Optional[Run] = None
        self.pushed: Optional[Message] = None
        """SCRIPT or STOP that ended the cycle."""
        self.pulled = False
        """The script has a loop of its own."""
        self.closed = False
        """The cycle of the script is over."""
        self._announce = False
        self._configured = False
        self._unsound = 0
        # Of the request under way.
        self.sequence = 0
        self.message: Optional[Message] = None
        self.view = memoryview(b"")
        self.entries: List[Tuple[int, int, int]] = []
        self.index = 0
        """Entry that comes next."""
        self.results: Any = None
        self._waiting: Dict[Any, Waiting] = {}
        self._opened_at = 0
        self._current: Optional[Dgram] = None

    # Requests

    def begin_cycle(self, announce: bool) -> None:
        """A script is (re)loaded; `announce`: drp-python waits for READY."""
        self._announce = announce
        self.pulled = self.closed = self._configured = False
        self._waiting.clear()

    def ready(self) -> None:
        """Tells drp-python, once per cycle, that the script is loaded."""
        if self._announce:
            self._announce = False
            self.link.send(encode(READY, self.settings.generation, self.sequence))

    def receive(self) -> bool:
        """Waits for dgrams and opens them. False if something else came: it is in `pushed`."""
        if self.pushed is not None:
            return False
        message = self.link.receive()
        self.sequence = message.sequence
        if message.type == DGRAMS:
            self._open(message)
            return True
        if message.type not in (SCRIPT, STOP):
            raise OSError("a message of the unknown type %d" % message.type)
        self.pushed = message
        self.closed = True
        return False

    def _open(self, message: Message) -> None:
        self._opened_at = _now()
        view = self.view = self.link.input(message)
        table = view[INPUT_TABLE:INPUT_TABLE + INPUT_ENTRY.size * message.count]
        self.entries = list(INPUT_ENTRY.iter_unpack(table))
        self.message = message
        self.index = 0
        self.results = ResultSlot(self.link.result(message.slot), message.count)
        if self._waiting:
            self._take_waiting()

    def _take_waiting(self) -> None:
        """Dgrams whose results found their slot full are not worked on again: they come first in a later request."""
        for entry in self.entries:
            waiting = self._waiting.get(self._key(entry))
            if waiting is None:
                return
            if not self.results.enter(waiting):
                if self.index == 0:
                    raise self._too_large(waiting)
                self.entries = self.entries[:self.index]
                return
            del self._waiting[waiting.key]
            self.index += 1

    @property
    def open(self) -> bool:
        """Whether a request has been received and not been answered."""
        return self.message is not None

    @property
    def service(self) -> int:
        """Of the entry that comes next."""
        return self.view[self.entries[self.index][0] + 11] & 15 if self.index < len(self.entries) else -1

    def answer(self) -> None:
        """Sends the results so far; dgrams of the request that have none have not been begun."""
        message, results = self.message, self.results
        if message is None:
            return
        self.message = None
        used = results.close()
        micros = (_now() - self._opened_at) // 1000
        self.link.send(encode(RESULTS, self.settings.generation, message.sequence, message.slot, results.count, used, micros),
                       results.memory[:used])

    def _key(self, entry: Tuple[int, int, int]) -> Any:
        offset, size, flags = entry
        return self.message.slot if self.message else -1, offset, size, bytes(self.view[offset:offset + 24])

    # Dgrams

    def make(self, entry: Tuple[int, int, int]) -> Dgram:
        """The dgram of an entry. Transitions get memory of their own, so that scripts may keep them."""
        offset, size, flags = entry
        service = self.view[offset + 11] & 15
        if service == L1_ACCEPT or service == END_OF_BATCH:
            return Event(self.view, offset, size, flags, self.table, self)
        copied = memoryview(bytes(self.view[offset:offset + size]))
        if service == CONFIGURE:
            self.table = Table((self.settings.det_name, self.settings.segment))
            self.run = None
            self._configured = True
        dgram = _TRANSITIONS.get(service, Dgram)(copied, 0, size, flags, self.table, self)
        self.table.learn_labels(copied, 0, dgram._contents())
        if service == CONFIGURE:
            self.table.own = own_detector(self.table, *self.table.own)
            self.table.came = bool(self.table.algorithms(*self.table.own))
        if isinstance(dgram, Run):
            self.run = dgram
            told = self._told_of_constants()
            if told:
                dgram._constants = constants_told(told)
                self.results.constants = int(dgram._constants.hash[:8] or "0", 16)
        return dgram

    def _told_of_constants(self) -> bytes:
        length = int.from_bytes(self.view[INPUT_CONSTANTS:INPUT_CONSTANTS + 4], "little")
        return bytes(self.view[INPUT_CONSTANTS + 4:min(INPUT_CONSTANTS + 4 + length, INPUT_PAYLOAD)])

    def finish(self, dgram: Dgram) -> bool:
        """Enters the result of the next dgram of the request. False if there is no room: answer, and leave the rest."""
        edit = dgram._edit
        is_event = isinstance(dgram, Event)
        if is_event and self.settings.raw == "drop" and not dgram._flags & KEEP_RAW:
            edit = edit or dgram._open_edit()
            edit.remove(self.table.ids_of("raw"))
        results = self.results
        if edit is None and not results.full:
            results.count += 1
            room = True
        else:
            room = self._settle(dgram, edit)
        if is_event:
            dgram._expire()
        dgram._stream = None
        return room

    def _settle(self, dgram: Dgram, edit: Optional[Edit]) -> bool:
        settings = self.settings
        if edit is None:
            waiting: Optional[Waiting] = Waiting(None, SAME, b"", b"", 0, 0)
        else:
            limit = settings.pebble if isinstance(dgram, Event) else settings.transition
            if edit.kept + edit.added > limit and not edit.dropped:
                self._say_oversize(dgram, edit)
            waiting = self.results.settle(edit, limit, settings.trigger_bytes, settings.oversize)
        if waiting is None:
            return True
        if self.results.count == 0 and not self.results.full:
            raise self._too_large(waiting)
        self.results.full = True
        key = self._key(self.entries[self.index - 1])
        self._waiting[key] = waiting._replace(key=key)
        return False

    def _too_large(self, waiting: Waiting) -> Misuse:
        return Misuse("a result of %d bytes and %d bytes of trigger data does not fit a slot of %d bytes"
                      % (len(waiting.body), len(waiting.trigger), self.results.size))

    def keeps_raw(self, dgram: Dgram) -> bool:
        return bool(dgram._flags & KEEP_RAW) or self.settings.raw == "keep"

    def limit_of(self, dgram: Dgram) -> int:
        """Largest result in bytes."""
        return self.settings.pebble if isinstance(dgram, Event) else self.settings.transition

    def identity(self, detector: str) -> Tuple[str, str]:
        """Type and id of a detector that no description tells, from the command line."""
        settings = self.settings
        return (settings.det_type, settings.det_id) if detector == self.table.own[0] else ("", "")

    def note_unsound(self, dgram: Dgram, contents: Any) -> None:
        """Says, the first time, why what the script adds is not written."""
        self._unsound += 1
        if self._unsound == 1:
            why = contents.problem or "Corrupted damage"
            sys.stderr.write("daqpipe: %r goes out as it came, without what the script added: %s. Later ones are not reported.\n"
                             % (dgram, why))

    def _say_oversize(self, dgram: Dgram, edit: Edit) -> None:
        sys.stderr.write("daqpipe: the result of %r needs %d bytes, the limit is %d; added last: %s\n"
                         % (dgram, edit.total, self.limit_of(dgram), edit.last or "nothing"))

    # Scripts with a loop of their own

    def pull(self) -> Optional[Dgram]:
        """Finishes the dgram before and gives the next; None when the cycle is over."""
        if not self.pulled:
            self.pulled = True
            self.ready()
        self.complete()
        while not self.closed:
            if self.open:
                if self.index < len(self.entries):
                    if self._configured and self.service == CONFIGURE:
                        self.closed = True
                        return None
                    self.index += 1
                    self._current = self.make(self.entries[self.index - 1])
                    return self._current
                self.answer()
            self.receive()
        return None

    def first(self) -> Configuration:
        """The Configure that begins the cycle of a script with a loop of its own."""
        dgram = self.pull()
        if dgram is None:
            raise Ended
        if not isinstance(dgram, Configuration):
            raise Misuse("%s came before a Configure" % dgram.service.name)
        return dgram

    def complete(self) -> None:
        """Finishes the dgram that was pulled last, and answers if it was the last of its request."""
        current = self._current
        if current is None:
            return
        self._current = None
        room = self.finish(current)
        if not room or self.index == len(self.entries):
            self.answer()
            self.entries = []
        if current._view[current._at + 11] & 15 == UNCONFIGURE:
            self.closed = True


current: Optional[Stream] = None
"""The stream of this process, if drp-python runs it."""


def active(what: str) -> Stream:
    """:raises Misuse: outside a worker"""
    if current is None:
        raise Misuse("%s works only in a script that drp-python runs: drp-python SCRIPT.py -i FILE" % what)
    return current


Handler = Callable[[Any], Any]
