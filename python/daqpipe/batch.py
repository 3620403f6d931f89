"""Many events at once, for scripts that define ``process_batch(batch)``."""

from typing import TYPE_CHECKING, Any, Iterator, List, Mapping, Optional, Sequence, Tuple

from .bulk import settle_alike
from .columns import Columns
from .dgram import Event
from .errors import BadValue, MissingData, Misuse
from .handle import Handle
from .xtc.arrays import numpy
from .xtc.layout import DGRAM

if TYPE_CHECKING:
    from .stream import Stream

_NOTHING: Any = object()


class BatchEvent(Event):
    """One event of a batch, for reading."""

    __slots__ = ()

    def _open_edit(self) -> Any:
        raise Misuse("single events of a batch can only be read: add to the batch, with where= if need be")


class Batch:
    """
    The L1Accepts of one request, 1 to 64 of them, in the order of their times.

    ::

        def process_batch(batch):
            energy = batch.stack("det.raw.energy")        # shape (n, ...)
            batch.add(fex, sum=energy.sum(axis=1))        # one value per event

    Arrays are valid until the function returns. Single events, ``batch[i]``, can be read; what is added goes through the batch.
    """

    def __init__(self, stream: "Stream", entries: Sequence[Tuple[int, int, int]]) -> None:
        self._stream = stream
        self._entries = entries
        self._events: List[Optional[Event]] = [None] * len(entries)
        self._columns: Optional[Columns] = None
        self._added: List[Tuple[Handle, Mapping[str, Any], Any]] = []
        self._removed: List[Tuple[Tuple[Any, ...], Any]] = []
        self._dropped: Any = None
        self._triggers: Any = None

    def __len__(self) -> int:
        return len(self._entries)

    def __getitem__(self, i: int) -> Event:
        event = self._events[i]
        if event is None:
            offset, size, flags = self._entries[i]
            event = self._events[i] = BatchEvent(self._stream.view, offset, size, flags, self._stream.table, None)
        return event

    def __iter__(self) -> Iterator[Event]:
        return (self[i] for i in range(len(self)))

    # Reading

    @property
    def run(self) -> Any:
        """The run the events belong to, with its constants."""
        return self._stream.run

    @property
    def sizes(self) -> Any:
        """Bytes of each dgram."""
        return _column([size for _, size, _ in self._entries], "uint32")

    @property
    def sec(self) -> Any:
        """Seconds of each event."""
        return _column([head[1] for head in self._headers()], "uint32")

    @property
    def nsec(self) -> Any:
        """Nanoseconds of each event."""
        return _column([head[0] for head in self._headers()], "uint32")

    @property
    def timestamps(self) -> Any:
        """``sec << 32 | nsec`` of each event."""
        return _column([head[1] << 32 | head[0] for head in self._headers()], "uint64")

    @property
    def env(self) -> Any:
        """Env word of each event."""
        return _column([head[2] for head in self._headers()], "uint32")

    @property
    def damage(self) -> Any:
        """Damage bits of each event."""
        return _column([head[4] for head in self._headers()], "uint16")

    def _headers(self) -> List[Any]:
        view = self._stream.view
        return [DGRAM.unpack_from(view, offset) for offset, _, _ in self._entries]

    def stack(self, path: str, fill: Any = _NOTHING) -> Any:
        """
        One field of all events, first dimension = event: a read-only numpy array of shape ``(n, ...)``. Where all events are laid out
        alike it is a view of the shared memory, nothing is copied. Texts, and everything without numpy, come as a list.

        :param path: ``"det.raw.image"`` (this DRP's detector), ``"hsd.raw.energy"`` (its first segment), ``"hsd[1].raw.energy"``
        :param fill: value for events without the data; without it such events are an error
        :raises MissingData: if an event has no such data and there is no `fill`
        :raises BadValue: if the shape changes from event to event: then use the events one by one
        """
        if self._columns is None:
            self._columns = Columns(self._stream, self._entries)
        detector, segment, algorithm, field = self._columns.parse(path)
        found = self._columns.strided(detector, segment, algorithm, field)
        if found is not None:
            return found
        values: List[Any] = []
        for event in self:
            data = event[detector][segment][algorithm]
            if data and field in data:
                values.append(data[field])
            elif fill is _NOTHING:
                raise MissingData("%s: the event at %d.%09d has no such data; give fill= to go on" % ((path,) + event.time))
            else:
                values.append(None)
        return _stacked(path, values, None if fill is _NOTHING else fill)

    def has(self, path: str) -> Any:
        """Whether each event has data of ``"detector.algorithm"``, as a column of booleans."""
        parts = (path + ".x").split(".") if path.count(".") == 1 else path.split(".")
        if self._columns is None:
            self._columns = Columns(self._stream, self._entries)
        detector, segment, algorithm, _ = self._columns.parse(".".join(parts))
        return _column([bool(event[detector][segment][algorithm]) for event in self], "bool")

    # Changes

    def add(self, handle: Handle, values: Optional[Mapping[str, Any]] = None, where: Any = None, **fields: Any) -> None:
        """
        Adds data to all events: for every field a sequence of n values, or an array whose first dimension is n. The values are
        written after the function returns.

        :param where: n booleans: only the events where it is true
        """
        columns = dict(values or {}, **fields)
        handle.encoder.check(columns)
        for name, column in columns.items():
            if isinstance(column, (str, bytes)) or not hasattr(column, "__len__") or len(column) != len(self):
                length = len(column) if hasattr(column, "__len__") else "no"
                raise BadValue("field %s needs one value for each of the %d events, got %s" % (name, len(self), length))
        self._added.append((handle, columns, self._mask(where)))

    def remove(self, algorithm: str, detector: Optional[str] = None, segment: Optional[int] = None, where: Any = None) -> None:
        """Leaves out the data of an algorithm in all events, or in those where `where` is true."""
        self._removed.append(((algorithm, detector, segment), self._mask(where)))

    def drop(self, where: Any) -> None:
        """Leaves out the events where `where` is true. :raises Misuse: without ``--allow-drop``"""
        self._dropped = self._mask(where)

    def trigger(self, data: Sequence[Any]) -> None:
        """Sets the trigger data: one bytes, dictionary or None for every event."""
        if len(data) != len(self):
            raise BadValue("trigger data are needed for each of the %d events, got %d" % (len(self), len(data)))
        self._triggers = data

    def _mask(self, where: Any) -> Any:
        if where is not None and len(where) != len(self):
            raise BadValue("where= needs one boolean for each of the %d events, got %d" % (len(self), len(where)))
        return where

    # Inside

    def settle(self) -> None:
        """Enters the results of all events."""
        for event in self._events:
            if event is not None:
                event._expire()
        if self._settle_alike():
            return
        stream = self._stream
        first = stream.index
        for i, event in enumerate(self._changed()):
            stream.index = first + i + 1
            # All have been worked on: those that find no room wait for the next request.
            stream.finish(event)

    def _settle_alike(self) -> bool:
        """The short cut for events that are laid out alike and treated alike."""
        masks = [where for _, _, where in self._added] + [where for _, where in self._removed]
        if numpy is None or self._triggers is not None or self._dropped is not None or any(where is not None for where in masks):
            return False
        stream, ids = self._stream, []
        raw = stream.settings.raw
        for arguments, _ in self._removed:
            found = stream.table.ids_of(*arguments)
            if not found:
                return False
            ids += found if raw != "keep" else []
        if raw == "drop":
            ids += stream.table.ids_of("raw")
        if self._columns is None:
            self._columns = Columns(stream, self._entries)
        return settle_alike(stream, self._columns, self._entries, [(handle, columns) for handle, columns, _ in self._added], ids)

    def _changed(self) -> Iterator[Event]:
        """Events with their changes, one after the other: the changes of one must be settled before the next is asked for."""
        stream = self._stream
        for i, (offset, size, flags) in enumerate(self._entries):
            event = Event(stream.view, offset, size, flags, stream.table, stream)
            for arguments, where in self._removed:
                if where is None or where[i]:
                    event.remove(*arguments)
            for handle, columns, where in self._added:
                if where is None or where[i]:
                    Event.add(event, handle, {name: column[i] for name, column in columns.items()})
            if self._triggers is not None and self._triggers[i] is not None:
                event.trigger(self._triggers[i])
            if self._dropped is not None and self._dropped[i]:
                event.drop()
            yield event


def _column(values: List[Any], dtype: str) -> Any:
    return values if numpy is None else numpy.array(values, dtype)


def _stacked(path: str, values: List[Any], fill: Any) -> Any:
    present = [value for value in values if value is not None]
    if numpy is None or not present or isinstance(present[0], str):
        return [fill if value is None else value for value in values]
    shapes = {numpy.shape(value) for value in present}
    if len(shapes) > 1:
        raise BadValue("%s has another shape from event to event (%s): take the events one by one"
                       % (path, ", ".join(map(str, sorted(shapes)[:4]))))
    shape = shapes.pop()
    stack = numpy.empty((len(values),) + shape, getattr(present[0], "dtype", None) or numpy.array(present[0]).dtype)
    for i, value in enumerate(values):
        stack[i] = fill if value is None else value
    stack.flags.writeable = False
    return stack
