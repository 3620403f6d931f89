"""Events and results, as payload classes meet them."""

import math
from typing import Any, Dict, Iterable, List, Optional, Tuple

from .protocol import EventNumber, StreamName, WorkerName

#: typ of a stream whose frame was lost before the ingester had it; only with ``accept_missing = True``
MISSING = "MISSING"


class Frame(bytes):
    """One part of a message. It is its bytes, and has them as ``.bytes`` too."""

    __slots__ = ()

    @property
    def bytes(self) -> bytes:
        return self

    @property
    def buffer(self) -> memoryview:
        return memoryview(self)


class StreamData:
    """What one stream brought to an event: the parts of one message."""

    __slots__ = ("typ", "frames")

    def __init__(self, typ: str, frames: Iterable[Any] = ()) -> None:
        self.typ = typ
        self.frames: List[Any] = list(frames)

    @property
    def length(self) -> int:
        return len(self.frames)

    def get_bytes(self) -> "StreamData":
        """The same with plain bytes."""
        return StreamData(typ=self.typ, frames=[frame_bytes(frame) for frame in self.frames])

    def __repr__(self) -> str:
        return "StreamData(typ=%r, frames of %s bytes)" % (self.typ, [len(frame) for frame in self.frames])


def frame_bytes(frame: Any) -> bytes:
    """Bytes of a frame, whatever holds them."""
    return frame if type(frame) is bytes else bytes(getattr(frame, "bytes", frame))


def stream_parts(streams: Dict[Any, StreamData]) -> Tuple[List[List[Any]], List[bytes]]:
    """As they go through a pipe: name, typ and number of frames of each, and the frames of all."""
    named = [[str(name), data.typ, len(data.frames)] for name, data in streams.items()]
    return named, [frame_bytes(frame) for data in streams.values() for frame in data.frames]


class InternalWorkerMessage:
    """What one ingester, or one source of a replay, has for an event."""

    def __init__(self, event_number: EventNumber, streams: Optional[Dict[StreamName, StreamData]] = None,
                 created_at: Any = None) -> None:
        self.event_number = event_number
        self.streams: Dict[StreamName, StreamData] = {} if streams is None else streams
        self.created_at = created_at

    def get_all_frames(self) -> List[Any]:
        return [frame for stream in self.streams.values() for frame in stream.frames]


class EventData:
    """An event: its number, and the data of each stream that took part."""

    __slots__ = ("event_number", "streams")

    def __init__(self, event_number: EventNumber, streams: Optional[Dict[StreamName, StreamData]] = None) -> None:
        self.event_number = event_number
        self.streams: Dict[StreamName, StreamData] = {} if streams is None else streams

    @classmethod
    def from_internals(cls, msgs: List[InternalWorkerMessage]) -> "EventData":
        """:raises ValueError: for no message, different events, or a stream that comes twice"""
        if len({message.event_number for message in msgs}) != 1:
            raise ValueError("messages of %d events do not make one" % len({m.event_number for m in msgs}))
        event = cls(msgs[0].event_number)
        for message in msgs:
            for name, stream in message.streams.items():
                if name in event.streams:
                    raise ValueError("the stream %s comes twice" % name)
                event.streams[name] = stream
        return event

    def __repr__(self) -> str:
        return "EventData(event_number=%d, streams=%r)" % (self.event_number, self.streams)


class ResultData:
    """What a worker has made of an event."""

    __slots__ = ("event_number", "worker", "parameters_hash", "payload")

    def __init__(self, event_number: EventNumber, worker: WorkerName, payload: Any = None,
                 parameters_hash: Optional[str] = None) -> None:
        self.event_number = event_number
        self.worker = worker
        self.parameters_hash = parameters_hash
        self.payload = payload

    def __repr__(self) -> str:
        return "ResultData(event_number=%d, worker=%r, payload=%r)" % (self.event_number, self.worker, self.payload)


class NdArray:
    """An array where there is no numpy: its shape, and its elements in C order."""

    __slots__ = ("shape", "data")

    def __init__(self, shape: Iterable[int], data: Any) -> None:
        self.shape = tuple(shape)
        self.data = data
        if math.prod(self.shape) != len(data):
            raise ValueError("shape %s does not hold %d elements" % (self.shape, len(data)))

    def __len__(self) -> int:
        return self.shape[0] if self.shape else 1

    def tolist(self) -> Any:
        flat = list(self.data)
        for length in reversed(self.shape[1:]):
            flat = [flat[at:at + length] for at in range(0, len(flat), length)] if length else []
        return flat if self.shape else flat[0]
