"""One field of many events without touching them one by one: if all are laid out alike, a strided view of the slot."""

import re
from typing import TYPE_CHECKING, Any, List, Optional, Sequence, Tuple

from .errors import BadValue, MissingData
from .xtc.arrays import DTYPES, numpy
from .xtc.contents import walk
from .xtc.layout import CHARSTR, ENUMVAL, SHAPES, XTC, XTC_SIZE
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
        self._rows: Any = None
        self._walked: Any = None
        self._alike: "dict[int, bool]" = {}
        if numpy is not None:
            self._rows = self._as_rows()

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
        if self._rows is None:
            return None
        ids = self._table.by_path.get((detector, segment, algorithm), [])
        for n, (id, at, end) in enumerate(self._contents().blocks):
            names = self._table.by_id.get(id)
            if id not in ids or names is None or field not in names.by_name:
                continue
            i = names.by_name[field]
            described = names.fields[i]
            if described.code in (CHARSTR, ENUMVAL) or not self._same_layout(n):
                return None
            block = open_block(self._view, at, end, names)
            if i >= len(block.place.offsets):
                return None
            shape = block.place.shapes[i]
            dtype = DTYPES[described.code]
            return numpy.ndarray((len(self._entries),) + shape, dtype, self._view, block.data_at + block.place.offsets[i],
                                 (self._rows.strides[0],) + _strides(shape, dtype.itemsize))
        return None

    def _as_rows(self) -> Any:
        """The dgrams as rows of one array, if they have one size and lie at equal distances."""
        first, size, _ = self._entries[0]
        step = self._entries[1][0] - first if len(self._entries) > 1 else size
        for i, (offset, length, _) in enumerate(self._entries):
            if length != size or offset != first + i * step:
                return None
        return numpy.ndarray((len(self._entries), size), numpy.uint8, self._view, first, (step, 1))

    def _contents(self) -> Any:
        if self._walked is None:
            offset, size, _ = self._entries[0]
            self._walked = walk(self._view, offset, size)
        return self._walked

    def _same_layout(self, n: int) -> bool:
        """Whether all rows have the same headers and dimensions up to and including block `n`."""
        known = self._alike.get(n)
        if known is None:
            base = self._entries[0][0]
            # Damage of the root decides whether the payload may be looked into at all.
            places: List[int] = list(range(16, 24))
            contents = self._contents()
            last = contents.blocks[n][2]
            for at, _ in contents.parents:
                if at < last:
                    places += range(at - base, at - base + XTC_SIZE)
            for _, at, end in contents.blocks[:n + 1] + [b for b in contents.names if b[1] < last]:
                places += range(at - base, at - base + XTC_SIZE)
            places += self._inner(contents.blocks[n][1], last, base)
            columns = self._rows[:, places]
            known = self._alike[n] = bool((columns == columns[0]).all())
        return known

    def _inner(self, at: int, end: int, base: int) -> List[int]:
        """Headers of the children of a ShapesData block, and its Shapes."""
        places: List[int] = []
        at += XTC_SIZE
        while at < end:
            _, _, kind, extent = XTC.unpack_from(self._view, at)
            covered = extent if kind & 0xFFF == SHAPES else XTC_SIZE
            places += range(at - base, at - base + covered)
            at += max(extent, XTC_SIZE)
        return places


def _strides(shape: Tuple[int, ...], itemsize: int) -> Tuple[int, ...]:
    strides: List[int] = []
    step = itemsize
    for dimension in reversed(shape):
        strides.insert(0, step)
        step *= max(dimension, 1)
    return tuple(strides)
