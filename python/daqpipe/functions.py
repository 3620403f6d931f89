"""Scripts made of functions: ``configure``, ``begin_run``, ``event`` or ``process_batch``, ``end_run`` and so on."""

from typing import Any, Dict, Mapping

from .batch import Batch
from .dgram import Event
from .errors import Misuse
from .stream import Handler, Stream
from .xtc.layout import END_OF_BATCH, L1_ACCEPT

TRANSITIONS: Dict[int, str] = {
    2: "configure", 3: "unconfigure", 4: "begin_run", 5: "end_run", 6: "begin_step", 7: "end_step", 8: "enable", 9: "disable",
    10: "slow_update",
}


class Functions:
    """The functions that a script defines."""

    def __init__(self, names: Mapping[str, Any], script: str) -> None:
        self.event = _function(names, "event")
        self.batch = _function(names, "process_batch")
        self.transitions: Dict[int, Handler] = {}
        for service, name in TRANSITIONS.items():
            function = _function(names, name)
            if function is not None:
                self.transitions[service] = function
        if self.event is None and self.batch is None:
            raise Misuse("%s has neither a function event(evt) nor process_batch(batch), and no loop over drp.events()" % script)
        if self.event is not None and self.batch is not None:
            raise Misuse("%s has both event(evt) and process_batch(batch): which one shall it be?" % script)

    def serve(self, stream: Stream) -> None:
        """Works on requests until the cycle is over."""
        while stream.open or stream.receive():
            if stream.service not in (L1_ACCEPT, END_OF_BATCH):
                self._transition(stream)
            elif self.batch is not None:
                run_batch(stream, self.batch)
            else:
                run_events(stream, self.event)
            stream.answer()

    def _transition(self, stream: Stream) -> None:
        while stream.index < len(stream.entries):
            service = stream.service
            stream.index += 1
            dgram = stream.make(stream.entries[stream.index - 1])
            function = self.transitions.get(service)
            if function is not None:
                function(dgram)
            if not stream.finish(dgram):
                return


def run_events(stream: Stream, event: Handler) -> None:
    """Calls `event` for every L1Accept of the request. Hot: nothing here but what an event needs."""
    view, table, results = stream.view, stream.table, stream.results
    always = stream.settings.raw == "drop"
    index = stream.index
    for offset, size, flags in stream.entries[index:]:
        index += 1
        evt = Event(view, offset, size, flags, table, stream)
        event(evt)
        if evt._edit is None and not always:
            results.count += 1
            evt._size = -1
        else:
            stream.index = index
            if not stream.finish(evt):
                return


def run_batch(stream: Stream, function: Handler) -> None:
    """Calls `function` with all L1Accepts of the request at once."""
    entries = stream.entries[stream.index:]
    if entries:
        batch = Batch(stream, entries)
        function(batch)
        batch.settle()


def _function(names: Mapping[str, Any], name: str) -> Any:
    found = names.get(name)
    return found if callable(found) else None
