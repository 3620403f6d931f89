"""Columns of a batch of events, with numpy where it is present: a field of a primitive is cut out of all events at once."""

from array import array
from typing import Any, Dict, List, Optional, Sequence

from ..xtc.arrays import numpy
from .answers import WrongAnswer, encode
from .event import Event
from .layout import Group, entries_of, groups_of
from .protocol import ALL_MEBS, AUX_SHIFT, ENTRY, KEEP_RAW, MONITOR_SHIFT, PERSIST, PID_MASK, RESULT
from .conversation import Session
from .views import Field, TmoTebData, View

_RESULT_ROW = None if numpy is None else numpy.dtype([("pid", "<u8"), ("data", "<u4"), ("status", "<u4")])
_PID, _ENV = 0, ENTRY.size + 16


class Batch:
    """Up to 64 events. Columns have one value per event, in order: arrays of numpy, or :class:`array.array` where there is none."""

    def __init__(self, session: Session, buffer: bytes, count: int, first: int = 0, places: Optional[List[int]] = None) -> None:
        self._session = session
        self._buffer = buffer
        self._count = count
        self._first = first
        self._entries = places
        self._groups: Optional[List[Group]] = None
        self._events: Optional[List[Event]] = None
        self._columns: Dict[Any, Any] = {}

    def __len__(self) -> int:
        return self._count

    def only(self, i: int) -> "Batch":
        """A batch of event `i` alone."""
        if self._entries is None:
            self._entries = entries_of(self._buffer, self._count)
        at = self._entries[i]
        size = ENTRY.size + ENTRY.unpack_from(self._buffer, at)[3]
        return Batch(self._session, self._buffer[at:at + size] + self._buffer[-16:], 1, self._first + i)

    @property
    def events(self) -> List[Event]:
        """The events one by one, for what columns cannot say."""
        if self._events is None:
            self._events = []
            at = 0
            for i in range(self._count):
                pid, contributions, damage, size = ENTRY.unpack_from(self._buffer, at)
                at += ENTRY.size
                self._events.append(Event(self._session, self._buffer, at, contributions, pid, damage, self._first + i))
                at += size
        return self._events

    def __getitem__(self, i: int) -> Event:
        return self.events[i]

    @property
    def pid(self) -> Any:
        """Pulse ids."""
        return self._header("pid", _PID, "<u8", PID_MASK, "Q", lambda event: event.pid)

    @property
    def damage(self) -> Any:
        """Damage of the built events."""
        return self._header("damage", 10, "<u2", 0xFFFF, "H", lambda event: event.damage)

    @property
    def rogs(self) -> Any:
        """Masks of the readout groups that fired."""
        return self._header("rogs", _ENV, "<u4", 0xFFFF, "I", lambda event: event.rogs)

    @property
    def keep(self) -> Any:
        """Whether raw data are kept."""
        column = self._header("env", _ENV, "<u4", KEEP_RAW, "B", lambda event: event.keep)
        return column if numpy is None else column != 0

    def free(self, meb: int) -> int:
        """Free buffers of a monitor when this batch was sent."""
        return int.from_bytes(self._buffer[len(self._buffer) - 16 + 4 * meb:][:4], "little")

    def has(self, alias: str) -> Any:
        """Whether the source contributed something to each event."""
        source = self._session.source(alias)
        if numpy is None:
            return array("B", [bool(event.payload(alias)) for event in self.events])
        found = numpy.zeros(self._count, bool)
        for group in self.groups:
            begin, end = group.places.get(source, (0, 0))
            found[group.indices] = end > begin
        return found

    def col(self, alias: str, field: str, fill: Any = 0) -> Any:
        """
        One value per event; `fill` where the source did not contribute, has no such field, or cannot be read. Fields of primitives of fixed
        layout are those of their class, else keys (``andor``, ``npeaks``) and methods.
        """
        key = (alias, field, fill)
        if key not in self._columns:
            self._columns[key] = self._column(alias, field, fill)
        return self._columns[key]

    def eventcode(self, alias: str, code: int) -> Any:
        """Whether each event has an event code."""
        codes = self.col(alias, "eventcodes")
        if numpy is None:
            return array("B", [code in found if found else 0 for found in codes])
        return (codes[:, code >> 5] >> numpy.uint32(code & 31) & 1).astype(bool)

    def answer(self, answer: Any, into: bytearray) -> None:
        """Writes what the script returned. :raises WrongAnswer: if it is no decision for all events"""
        parts = answer if isinstance(answer, tuple) else (True if answer is None else answer, 0)
        if not 2 <= len(parts) <= 3:
            raise WrongAnswer("decide_batch returned %d columns; it may return persist, (persist, monitor) or (persist, monitor, aux)" % len(parts))
        try:
            if numpy is None:
                self._plain_answer(parts, into)
            else:
                self._array_answer(parts, into)
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            raise WrongAnswer("decide_batch returned what is no decision for %d events: %s" % (self._count, error)) from None

    @property
    def groups(self) -> List[Group]:
        """Events by layout."""
        if self._groups is None:
            self._groups = groups_of(self._buffer, self._count)
        return self._groups

    def _header(self, name: str, offset: int, dtype: str, mask: int, code: str, of: Any) -> Any:
        if name in self._columns:
            return self._columns[name]
        if numpy is None:
            column: Any = array(code, [of(event) for event in self.events])
        else:
            column = self._gather(offset, dtype) & mask
        self._columns[name] = column
        return column

    def _gather(self, offset: int, dtype: str) -> Any:
        groups = self.groups
        if len(groups) == 1 and isinstance(groups[0].indices, slice):
            return _cut(groups[0].rows, offset, dtype)
        column = numpy.zeros(self._count, dtype)
        for group in groups:
            column[group.indices] = _cut(group.rows, offset, dtype)
        return column

    def _column(self, alias: str, field: str, fill: Any) -> Any:
        source = self._session.source(alias)
        view = self._view(source)
        place = view.FIELDS.get(field) if view is not None else None
        if place is None or numpy is None:
            return self._slow_column(alias, field, fill)
        first = _field(self.groups[0], source, view, place) if len(self.groups) == 1 else None
        if first is not None and isinstance(self.groups[0].indices, slice):
            return first
        dtype = numpy.dtype(place.type)
        shape = self._count if place.elements == 1 else (self._count, place.elements)
        column = numpy.full(shape, fill, numpy.result_type(dtype, numpy.array(fill)) if fill else dtype)
        for group in self.groups:
            values = _field(group, source, view, place)
            if values is not None:
                column[group.indices] = values
            elif source in group.places and group.places[source][0] < group.places[source][1]:
                for _ in range(len(group.rows)):
                    self._session.reject(source)
        return column

    def _view(self, source: int) -> Any:
        """The class of fixed primitives of a source, if it is of fixed layout in all these events."""
        declared, view, _ = self._session.rules(source)
        if declared.kind in ("tprm", "bytes"):
            return None
        if view is None and numpy is not None:
            sizes = {group.places[source][1] - group.places[source][0] for group in self.groups if source in group.places}
            view = TmoTebData if sizes - {0} == {8} else None
        if view is not None and numpy is not None and declared.kind is None:
            for group in self.groups:
                begin, end = group.places.get(source, (0, 0))
                if end > begin and (group.rows[:, begin:begin + 4] == numpy.frombuffer(b"TPRM", numpy.uint8)).all(axis=1).any():
                    return None
        return view

    def _slow_column(self, alias: str, field: str, fill: Any) -> Any:
        values = [_value(event.get(alias), field, fill) for event in self.events]
        if numpy is not None:
            return numpy.array(values)
        code = "d" if any(isinstance(value, float) for value in values) else "q"
        try:
            return array(code, values)
        except (TypeError, OverflowError):
            return values

    def _array_answer(self, parts: Sequence[Any], into: bytearray) -> None:
        persist = numpy.asarray(parts[0])
        if persist.dtype.kind != "b" and not (persist.dtype.kind in "iu" and numpy.isin(persist, (0, 1)).all()):
            raise ValueError("persist is %s, not bool" % persist.dtype)
        words = numpy.where(persist, numpy.uint32(PERSIST), numpy.uint32(0))
        for part, mask, shift in zip(parts[1:], (ALL_MEBS, 0xFFFFFF), (MONITOR_SHIFT, AUX_SHIFT)):
            column = numpy.asarray(part)
            if column.dtype.kind not in "iub":
                raise ValueError("a mask is %s, not an integer" % column.dtype)
            words = words | (column & mask).astype(numpy.uint32) << numpy.uint32(shift)
        rows = numpy.frombuffer(into, _RESULT_ROW, self._count, self._first * RESULT.size)
        if words.shape not in ((), (self._count,)):
            raise ValueError("%s values" % "x".join(map(str, words.shape)))
        rows["pid"] = self.pid
        rows["data"] = words
        rows["status"] = 0

    def _plain_answer(self, parts: Sequence[Any], into: bytearray) -> None:
        columns = [part if hasattr(part, "__len__") else [part] * self._count for part in parts]
        if any(len(column) != self._count for column in columns):
            raise ValueError("%s values" % ", ".join(str(len(column)) for column in columns))
        for i, row in enumerate(zip(*columns)):
            RESULT.pack_into(into, (self._first + i) * RESULT.size, self.pid[i], encode(row), 0)


def _cut(rows: Any, offset: int, dtype: str, elements: int = 1) -> Any:
    """A column of a table of bytes."""
    kind = numpy.dtype(dtype)
    shape, strides = (len(rows),), (rows.strides[0],)
    if elements > 1:
        shape, strides = (len(rows), elements), (rows.strides[0], kind.itemsize)
    return numpy.ndarray(shape, kind, rows, offset, strides)


def _field(group: Group, source: int, view: Any, place: Field) -> Any:
    """The field of all events of a group, or None if they lack it."""
    if source not in group.places:
        return None
    begin, end = group.places[source]
    if end - begin < view.LAYOUT.size:
        return None
    column = _cut(group.rows, begin + place.offset, place.type, place.elements)
    if place.shift:
        column = column >> place.shift
    return column & place.mask if place.mask else column


def _value(primitive: Any, field: str, fill: Any) -> Any:
    """``npeaks`` of a Prim, ``gmd.milliJoulesPerPulse`` of a view."""
    if primitive is None:
        return fill
    if not isinstance(primitive, View):
        get = getattr(primitive, "get", None)
        return get(field, fill) if get is not None else fill
    value: Any = primitive
    for name in field.split("."):
        value = getattr(value, name, None)
        if callable(value):
            value = value()
        if value is None:
            return fill
    return value
