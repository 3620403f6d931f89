"""
The process in which a payload class runs: ``python -u -m daqpipe.mapreduce.child``, started by map-work, map-reduce and map-replay.
Questions come on descriptor 3, in order; each gets one answer on descriptor 4.
"""

import json
import time
from contextlib import nullcontext
from typing import Any, Dict, List, Sequence, Tuple

from . import cbor, host, pickles, tree
from .channel import Channel
from .event import EventData, Frame, ResultData, StreamData, stream_parts
from .running import Payload, describe
from .shared import Memories

Answer = Tuple[Dict[str, Any], Sequence[bytes]]
_NOTHING: Answer = ({}, ())


class Child:
    """Answers one question after the other. Nothing that user code raises ends it."""

    def __init__(self, payload: Payload, question: Dict[str, Any]) -> None:
        self._payload = payload
        self._encoding = question.get("encoding", "cbor")
        self._retries = int(question.get("retries", 0))
        self._batches = payload.facts["batch"]
        self._generators: List[Any] = []
        self._borrows = bool(getattr(payload.cls, "borrow_frames", False))
        self._memories = Memories()

    def serve(self, channel: Channel) -> None:
        """:raises EOFError: when the other side closes"""
        while True:
            self.answer(*channel.receive(), channel)

    def answer(self, question: Dict[str, Any], blobs: List[memoryview], channel: Channel) -> None:
        """Sends one answer; for events one each, those of quick events together."""
        do = question["do"]
        if do == "events":

            def send(head: Dict[str, Any], parts: Sequence[bytes]) -> None:
                channel.send_soon(head, parts, head["seconds"])

            self._events(question["events"], blobs, send)
            return
        try:
            head, parts = getattr(self, "do_" + do)(question, blobs)
        except Exception as error:
            head, parts = {"error": describe(error)}, ()
        channel.send(head, parts)

    def do_begin(self, question: Dict[str, Any], blobs: List[memoryview]) -> Answer:
        self._payload.set_parameters(question["parameters"], blobs)
        self._payload.begin(question["state"])
        interval = self._payload.call("get_tick_interval", self._payload.parameters)
        return {"tick": float(interval) if isinstance(interval, (int, float)) else None}, ()

    def do_parameters(self, question: Dict[str, Any], blobs: List[memoryview]) -> Answer:
        self._payload.set_parameters(question["parameters"], blobs)
        return _NOTHING

    def do_finish(self, question: Dict[str, Any], blobs: List[memoryview]) -> Answer:
        self._payload.call("finish", self._payload.parameters)
        return _NOTHING

    def do_close(self, question: Dict[str, Any], blobs: List[memoryview]) -> Answer:
        self._payload.call("close", self._payload.context)
        return _NOTHING

    # worker

    def _events(self, events: Sequence[Any], blobs: List[memoryview], send: Any) -> None:
        made, at, shared = [], 0, False
        for number, _, streams in events:
            found = {}
            for name, typ, length, *elsewhere in streams:
                count = length - len(elsewhere[0]["places"]) if elsewhere else length
                found[name] = StreamData(typ, map(Frame, blobs[at:at + count]))
                shared = shared or bool(elsewhere)
                at += count
            made.append(EventData(number, found))
        if len(made) > 1 and self._batches and not shared:
            self._batch(made, send)
            return
        for event, (_, tick, streams) in zip(made, events):
            send(*(self._shared_event(event, tick, streams) if shared else self._event(event, tick)))

    def _shared_event(self, event: EventData, tick: bool, streams: Sequence[Any]) -> Answer:
        """An event of which frames lie in shared memory. What is torn fails, whatever came of it."""
        lent: List[Any] = []
        try:
            for name, _, _, *elsewhere in streams:
                if elsewhere:
                    self._memories.insert(event.streams[name].frames, elsewhere[0], lent if self._borrows else None)
            answer = self._event(event, tick)
            self._memories.give_back(event, lent, [elsewhere[0] for _, _, _, *elsewhere in streams if elsewhere])
            return answer
        except Exception as raised:
            return {"error": describe(raised), "seconds": 0.0}, ()

    def _event(self, event: EventData, tick: bool) -> Answer:
        start = time.perf_counter()
        error: Dict[str, Any] = {}
        for _ in range(self._retries + 1):
            try:
                result = self._payload.call("process_event", event, self._payload.parameters, tick=tick)
                return self._result(result, start)
            except Exception as raised:
                error = describe(raised)
        return {"error": error, "seconds": time.perf_counter() - start}, ()

    def _result(self, result: Any, start: float) -> Answer:
        blobs: List[bytes] = []
        if result is not None:
            blobs.append(pickles.dumps(result) if self._encoding == "pickle" else cbor.dumps(result))
        return {"seconds": time.perf_counter() - start}, blobs

    def _batch(self, events: List[EventData], send: Any) -> None:
        start = time.perf_counter()
        try:
            results = list(self._payload.call("process_batch", events, self._payload.parameters))
            if len(results) != len(events):
                raise ValueError("process_batch returned %d results for %d events" % (len(results), len(events)))
        except Exception as raised:
            error = describe(raised)
            for _ in events:
                send({"error": error, "seconds": (time.perf_counter() - start) / len(events)}, ())
            return
        share = (time.perf_counter() - start) / len(events)
        for result in results:
            begin = time.perf_counter()
            try:
                head, parts = self._result(result, begin)
            except Exception as raised:
                head, parts = {"error": describe(raised), "seconds": 0.0}, ()
            send({**head, "seconds": head["seconds"] + share}, parts)

    # reducer

    def do_results(self, question: Dict[str, Any], blobs: List[memoryview]) -> Answer:
        """One answer for all: the failures by place, those that could not be read with ``unread``."""
        failures: List[Any] = []
        parameters, call = self._payload.parameters, self._payload.call
        for place, ((number, worker, digest, encoding), body) in enumerate(zip(question["results"], blobs)):
            try:
                value = _decode(encoding, body)
            except Exception as raised:
                failures.append([place, True, describe(raised)])
                continue
            try:
                call("process_result", ResultData(number, worker, value, digest), parameters)
            except Exception as raised:
                failures.append([place, False, describe(raised)])
        return {"failures": failures}, ()

    def do_timer(self, question: Dict[str, Any], blobs: List[memoryview]) -> Answer:
        wanted = self._payload.call("timer", self._payload.parameters)
        return {"next": float(wanted) if isinstance(wanted, (int, float)) and not isinstance(wanted, bool) else 1.0}, ()

    def do_node(self, question: Dict[str, Any], blobs: List[memoryview]) -> Answer:
        with self._lock():
            return {"node": tree.node(self._publish(), question["path"])}, ()

    def do_value(self, question: Dict[str, Any], blobs: List[memoryview]) -> Answer:
        with self._lock():
            return tree.value(self._publish(), question["path"], question.get("select"))

    # source of a replay

    def do_generators(self, question: Dict[str, Any], blobs: List[memoryview]) -> Answer:
        self._generators = [iter(one) for one in self._payload.cls().get_source_generators()]
        return {"count": len(self._generators)}, ()

    def do_next(self, question: Dict[str, Any], blobs: List[memoryview]) -> Answer:
        message = next(self._generators[question["generator"]], None)
        if message is None:
            return {"end": True}, ()
        streams, frames = stream_parts(message.streams)
        return {"event": int(message.event_number), "streams": streams}, frames

    def _publish(self) -> Any:
        return getattr(self._payload.object, "publish", None) or {}

    def _lock(self) -> Any:
        lock = getattr(self._payload.object, "publish_rlock", None)
        return nullcontext() if lock is None else lock


def _decode(encoding: str, body: memoryview) -> Any:
    if encoding == "cbor":
        return cbor.loads(body)
    if encoding == "pickle":
        return pickles.loads(body)
    if encoding == "json":
        return json.loads(bytes(body))
    return bytes(body)


def _begin(question: Dict[str, Any]) -> host.Begun:
    if question.get("accept_pickle"):
        pickles.accept()
    payload = Payload(question["path"], question["role"])
    return payload.facts, Child(payload, question).serve


if __name__ == "__main__":
    host.run(_begin)
