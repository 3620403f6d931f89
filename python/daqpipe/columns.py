"""One field of many events without touching them one by one: if all are laid out alike, a strided view of the slot."""

import re
from typing import TYPE_CHECKING, Any, List, Optional, Sequence, Tuple

from .errors import BadValue, MissingData
from .xtc.arrays import DTYPES, numpy
from .xtc.contents import Contents, merged, pieces_of, walk
from .xtc.layout import CHARSTR, ENUMVAL
from .xtc.shapesdata import open_block

if TYPE_CHECKING:
    from .stream import Stream

_PATH = re.compile(r"(\w+)(?:\[(\d+)\])?\.([^.]+)\.(.+)\Z")


class Columns:
    """The dgrams of one request as the rows of a table of bytes."""

    def __init__(self, stream: "Stream", entries: Sequence[Tuple[int, int, int]]) -> None:
        self._table = stream.table
        self._view = stream.view
        self._entries = entries
        self._contents: Optional[Contents] = None
        self.rows: Any = None
        """Array of bytes, one row per dgram; None without numpy, or if they have different sizes or distances."""
        self._alike: Optional[bool] = None
        if numpy is not None:
            self.rows = self._as_rows()

    def parse(self, path: str) -> Tuple[str, int, str, str]:
        """Detector, segment, algorithm and field of ``"hsd[1].raw.energy"``."""
        match = _PATH.match(path)
        if match is None:
            raise BadValue("%r is not of the form DETECTOR.ALGORITHM.FIELD or DETECTOR[SEGMENT].ALGORITHM.FIELD" % path)
        detector, segment, algorithm, field = match.groups()
        own_name, own_segment = self._table.own
        if detector == "det" and "det" not in self._table.detectors():
            detector = own_name
        segments = self._table.segments(detector)
        if not segments:
            raise MissingData("there is no detector %s; there are %s" % (detector, ", ".join(self._table.detectors()) or "none"))
        number = int(segment) if segment is not None else own_segment if detector == own_name else segments[0]
        return detector, number, algorithm, field

    def strided(self, detector: str, segment: int, algorithm: str, field: str) -> Optional[Any]:
        """The field of all rows as one view, or None if the rows differ, or the field is no number or array of numbers."""
        if self.rows is None:
            return None
        offset = self._entries[0][0]
        contents = self.contents
        ids = self._table.by_path.get((detector, segment, algorithm), [])
        for id, at, end in contents.blocks:
            names = self._table.by_id.get(id)
            if id not in ids or names is None or field not in names.by_name:
                continue
            i = names.by_name[field]
            described = names.fields[i]
            if described.code in (CHARSTR, ENUMVAL) or contents.names or not self.all_alike():
                return None
            block = open_block(self._view, offset, at, end, names)
            if i >= len(block.place.offsets):
                return None
            shape = block.place.shapes[i]
            dtype = DTYPES[described.code]
            return numpy.ndarray((len(self._entries),) + shape, dtype, self._view, offset + block.data_at + block.place.offsets[i],
                                 (self.rows.strides[0],) + _strides(shape, dtype.itemsize))
        return None

    def _as_rows(self) -> Any:
        """The dgrams as rows of one array, if they have one size and lie at equal distances."""
        first, size, _ = self._entries[0]
        step = self._entries[1][0] - first if len(self._entries) > 1 else size
        for i, (offset, length, _) in enumerate(self._entries):
            if length != size or offset != first + i * step:
                return None
        return numpy.ndarray((len(self._entries), size), numpy.uint8, self._view, first, (step, 1))

    @property
    def contents(self) -> Contents:
        """Of the first row."""
        if self._contents is None:
            offset, size, _ = self._entries[0]
            self._contents = walk(self._view, offset, size)
        return self._contents

    def all_alike(self) -> bool:
        """Whether all rows have the headers and dimensions of the first."""
        if self._alike is None:
            places = pieces_of(self.contents, self._view, self._entries[0][0])
            self._alike = places is not None
            for start, length in merged(places or []):
                columns = self.rows[:, start:start + length]
                self._alike = self._alike and bool((columns == columns[0]).all())
        return self._alike


def _strides(shape: Tuple[int, ...], itemsize: int) -> Tuple[int, ...]:
    strides: List[int] = []
    step = itemsize
    for dimension in reversed(shape):
        strides.insert(0, step)
        step *= max(dimension, 1)
    return tuple(strides)
