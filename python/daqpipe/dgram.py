"""Dgrams as scripts see them: header, data by detector, and what the script changes."""

from enum import IntEnum
from typing import TYPE_CHECKING, Any, List, Mapping, NamedTuple, Optional, Tuple, Union

from .edit import Edit
from .errors import MissingData, Misuse
from .views import Detector, Segment
from .xtc.contents import Contents
from .xtc.layout import CORRUPTED, DGRAM, UNPACK
from .xtc.table import Table

if TYPE_CHECKING:
    from .handle import Handle
    from .run import Run
    from .stream import Stream

_u32 = UNPACK[2]
_header = DGRAM.unpack_from
TriggerData = Union[bytes, bytearray, memoryview, Mapping[str, Any]]


class Service(IntEnum):
    """Transition ids."""

    ClearReadout = 0
    Reset = 1
    Configure = 2
    Unconfigure = 3
    BeginRun = 4
    EndRun = 5
    BeginStep = 6
    EndStep = 7
    Enable = 8
    Disable = 9
    SlowUpdate = 10
    Unused_11 = 11
    L1Accept = 12
    Invalid_13 = 13
    Invalid_14 = 14
    Invalid_15 = 15


SERVICES = tuple(Service)


class Time(NamedTuple):
    """Seconds and nanoseconds as they stand in the dgram. DAQ files count from 1990-01-01 UTC."""

    sec: int
    nsec: int


class Dgram:
    """
    One dgram.

    Read: ``dgram["hsd"][0].raw.waveform``, or ``dgram.det.raw.image`` for the detector and segment of this DRP. Arrays are views of
    shared memory: read-only, and valid until the next event. ``dgram.copy()`` keeps one longer.
    """

    __slots__ = ("_view", "_at", "_size", "_flags", "_table", "_stream", "_walked", "_edit")

    def __init__(self, view: memoryview, at: int, size: int, flags: int, table: Table, stream: "Optional[Stream]") -> None:
        self._view = view
        self._at = at
        self._size = size
        self._flags = flags
        self._table = table
        self._stream = stream
        self._walked: Optional[Contents] = None
        self._edit: Optional[Edit] = None

    # Header

    @property
    def time(self) -> Time:
        """Seconds and nanoseconds."""
        nsec, sec = _header(self._live(), self._at)[:2]
        return Time(sec, nsec)

    @property
    def timestamp(self) -> int:
        """``sec << 32 | nsec``, the number by which psana knows events."""
        nsec, sec = _header(self._live(), self._at)[:2]
        return sec << 32 | nsec

    @property
    def service(self) -> Service:
        """Transition id; an int with a name."""
        return SERVICES[self._live()[self._at + 11] & 15]

    @property
    def env(self) -> int:
        """The whole env word."""
        return _u32(self._live(), self._at + 8)[0]

    @property
    def groups(self) -> Tuple[int, ...]:
        """Numbers of the readout groups that took part."""
        mask = self.env & 0xFFFF
        return tuple(group for group in range(16) if mask >> group & 1)

    @property
    def damage(self) -> int:
        """Damage bits of the dgram: 0 Truncated, 3 Corrupted, 4 DroppedContribution, 5 MissingData, 6 TimedOut."""
        return _header(self._live(), self._at)[4]

    @property
    def src(self) -> int:
        """The root's src: level in bits 31:28, node in the others."""
        return _header(self._live(), self._at)[3]

    @property
    def size(self) -> int:
        """Bytes of the whole dgram as it came."""
        return self._size

    @property
    def pulse_id(self) -> int:
        """Pulse id if a detector of this dgram records it in a field `pulseId` (the timing system does), else 0."""
        for names in self._table.by_id.values():
            if "pulseId" in names.by_name:
                data = Segment(self, names.det_name, names.segment)[names.alg]
                if data:
                    return int(data["pulseId"])
        return 0

    @property
    def view(self) -> memoryview:
        """The bytes of the whole dgram, read-only, valid until the next event."""
        return self._live()[self._at:self._at + self._size]

    # Data

    @property
    def detectors(self) -> List[str]:
        """Names of all detectors that have been described."""
        return self._table.detectors()

    def __getitem__(self, detector: str) -> Detector:
        self._contents()
        if detector not in self._table.detectors():
            raise MissingData("there is no detector %s; there are %s%s"
                              % (detector, ", ".join(self.detectors) or "none", "" if self.detectors else " (no Configure came)"))
        return Detector(self, detector)

    def __contains__(self, detector: object) -> bool:
        return detector in self._table.detectors()

    @property
    def det(self) -> Segment:
        """The detector and segment of this DRP (``-u DETECTOR_SEGMENT``)."""
        table = self._table
        if not table.came:
            self._contents()
            if not table.came:
                there = ["%s_%d" % (name, number) for name in table.detectors() for number in table.segments(name)]
                raise MissingData("the input describes no %s_%d, this DRP's detector (-u DETECTOR_SEGMENT); it has %s"
                                  % (table.own + (", ".join(there) or "none (no Configure came)",)))
        return Segment(self, *table.own)

    def copy(self) -> "Dgram":
        """The same dgram in memory of its own: may be kept, and read at any time; it cannot be changed."""
        return type(self)(memoryview(bytes(self.view)), 0, self._size, self._flags, self._table, None)

    # Changes

    def add(self, handle: "Handle", values: Optional[Mapping[str, Any]] = None, **fields: Any) -> None:
        """
        Adds the data of an algorithm that was described at Configure; every field needs a value.

        Fields whose names are no Python names are given in `values`: ``evt.add(fex, {"a.b": 1}, sum=2)``.

        :raises BadValue: naming the field: missing, unknown, or of another type or rank
        """
        edit = self._edit or self._open_edit()
        if values:
            fields = dict(values, **fields)
        edit.add(handle, fields)

    def remove(self, algorithm: str, detector: Optional[str] = None, segment: Optional[int] = None) -> None:
        """
        Leaves out the data of an algorithm: of this DRP's detector unless another is named, of all its segments unless one is.

        Has no effect where raw data are kept by order (``--raw keep``, ``--prescale-raw``).
        """
        edit = self._edit or self._open_edit()
        ids = self._table.ids_of(algorithm, detector, segment)
        if not ids:
            raise MissingData("%s has no algorithm %s to remove" % (detector or self._table.own[0], algorithm))
        edit.remove(ids)

    # Inside

    def _live(self) -> memoryview:
        if self._size < 0:
            raise Misuse("this event is over: keep what you need, or evt.copy()")
        return self._view

    def _expire(self) -> None:
        """The memory will hold other dgrams from now on."""
        self._size = -1

    def _contents(self) -> Contents:
        walked = self._walked
        if self._size < 0:
            self._live()
        if walked is None:
            # Descriptions come with transitions as a rule; if an event brings some they hold from here on.
            walked = self._walked = self._table.contents(self._view, self._at, self._size)
        return walked

    def _open_edit(self) -> Edit:
        stream = self._stream
        self._live()
        if stream is None:
            raise Misuse("a copy of a dgram cannot be changed")
        edit = self._edit = Edit(self, stream)
        return edit

    def _why_hidden(self) -> str:
        walked = self._walked
        if self.damage & CORRUPTED or walked is not None and walked.hidden:
            return "; it has Corrupted damage, its payload is not looked into"
        return "; " + walked.problem if walked is not None and walked.problem else ""

    def __repr__(self) -> str:
        if self._size < 0:
            return "<%s that is over>" % type(self).__name__
        return "<%s %s %d.%09d, %d bytes>" % ((type(self).__name__, self.service.name) + self.time + (self._size,))


class Event(Dgram):
    """An L1Accept."""

    __slots__ = ()

    @property
    def run(self) -> "Optional[Run]":
        """The run it belongs to, with its constants; None before the first BeginRun."""
        return self._stream.run if self._stream is not None else None

    @property
    def keep_raw(self) -> bool:
        """Whether the raw data of this event stay, whatever the script removes (prescale)."""
        return bool(self._flags & 1)

    def trigger(self, data: TriggerData) -> None:
        """
        Sets the data for the trigger event builder: bytes as they are, or a dictionary, which is sent as JSON.

        :raises Misuse: without ``--trigger-out``
        """
        (self._edit or self._open_edit()).set_trigger(data)

    def drop(self) -> None:
        """Leaves the whole event out of the output. :raises Misuse: without ``--allow-drop``"""
        (self._edit or self._open_edit()).drop()
