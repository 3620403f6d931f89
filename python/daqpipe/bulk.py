"""
Results of a whole batch in a few operations of numpy, where all events are laid out alike and get the same additions. It is only a
short cut: whatever it cannot do, or finds wrong, goes event by event, which gives the same bytes and the better error messages.
"""

from typing import TYPE_CHECKING, Any, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from .handle import Handle
from .protocol import CHANGED, KEEP_RAW
from .xtc.arrays import DTYPES, numpy
from .xtc.contents import Contents
from .xtc.layout import CHARSTR, DATA, EXTENT_AT, FLOATS, SHAPE, SHAPES, SHAPESDATA, XTC, XTC_SIZE
from .xtc.names import Field, Names

if TYPE_CHECKING:
    from .columns import Columns
    from .stream import Stream

Added = Sequence[Tuple[Handle, Mapping[str, Any]]]


class _Block(NamedTuple):
    """A ShapesData block that all events get: everything but the values, and where the values go."""

    template: bytes
    values: List[Tuple[int, Any]]
    """Position in the block, and an array with the event as first dimension."""


def settle_alike(stream: "Stream", columns: "Columns", entries: Sequence[Tuple[int, int, int]], added: Added, ids: Sequence[int]) -> bool:
    """
    Enters the results of all `entries`: `added` to each, the blocks of the NamesIds `ids` removed.

    :returns: False if nothing was done, because the events differ or something needs a closer look
    """
    results, table = stream.results, stream.table
    rows = columns.rows
    if rows is None or results.full or any(flags & KEEP_RAW for _, _, flags in entries):
        return False
    contents = columns.contents
    if contents.problem or contents.hidden or contents.names or not columns.all_alike():
        return False
    handles = [handle for handle, _ in added]
    if len(set(map(id, handles))) < len(handles) or any(handle.table is not table for handle in handles):
        return False
    removed = sorted((at, end) for id_, at, end in contents.blocks if id_ in ids)
    if not added and not removed:
        results.count += len(entries)
        return True
    blocks = [_block(handle.names, values, len(entries)) for handle, values in added]
    kept = entries[0][1] - sum(end - at for at, end in removed)
    total = kept + sum(len(block.template) for block in blocks if block is not None)
    stride = (total + 7) & ~7
    if None in blocks or total > stream.settings.pebble or results.used + stride * len(entries) > results.size:
        return False
    start = results.used
    out = numpy.ndarray((len(entries), stride), numpy.uint8, results.memory, start)
    _put_kept(out, rows, contents, removed, total)
    at = kept
    for block in blocks:
        _put_block(out, results.memory, start, stride, at, block)
        at += len(block.template)
    results.enter_rows(len(entries), start, stride, total, CHANGED)
    return True


def _put_kept(out: Any, rows: Any, contents: Contents, removed: Sequence[Tuple[int, int]], total: int) -> None:
    """What stays of the inputs, with the extents of the root and of Parents that lost something."""
    reached = to = 0
    for first, last in list(removed) + [(rows.shape[1], rows.shape[1])]:
        out[:, to:to + first - reached] = rows[:, reached:first]
        to += first - reached
        reached = last
    _put_number(out, EXTENT_AT, total - XTC_SIZE)
    for at, end in contents.parents if removed else ():
        inside = sum(last - first for first, last in removed if at < first < end)
        if inside:
            before = sum(last - first for first, last in removed if first < at)
            _put_number(out, at - before + 8, end - at - inside)


def _put_number(out: Any, at: int, number: int) -> None:
    out[:, at:at + 4] = numpy.frombuffer(number.to_bytes(4, "little"), numpy.uint8)


def _put_block(out: Any, memory: Any, start: int, stride: int, at: int, block: _Block) -> None:
    out[:, at:at + len(block.template)] = numpy.frombuffer(block.template, numpy.uint8)
    for position, values in block.values:
        strides = [values.itemsize]
        for dimension in values.shape[:0:-1]:
            strides.insert(0, strides[0] * max(dimension, 1))
        numpy.ndarray(values.shape, values.dtype, memory, start + at + position, (stride,) + tuple(strides[1:]))[...] = values


def _block(names: Names, columns: Mapping[str, Any], count: int) -> Optional[_Block]:
    shapes, values, size = b"", [], 0
    for field in names.fields:
        column = None if field.code == CHARSTR else _column(field, columns[field.name], count)
        if column is None:
            return None
        if field.rank:
            shapes += SHAPE.pack(*(column.shape[1:] + (0,) * (5 - field.rank)))
        values.append((size, column))
        size += column[0].nbytes
    head = XTC.pack(0, 0, SHAPES, XTC_SIZE + len(shapes)) + shapes + XTC.pack(0, 0, DATA, XTC_SIZE + size)
    template = XTC.pack(names.id, 0, SHAPESDATA, XTC_SIZE + len(head) + size) + head
    return _Block(template + bytes(size), [(len(template) + at, column) for at, column in values])


def _column(field: Field, given: Any, count: int) -> Any:
    """The values as an array of the field's type, or None if they are not plainly right."""
    dtype = DTYPES[field.code]
    if field.rank:
        right = isinstance(given, numpy.ndarray) and given.dtype == dtype and given.ndim == field.rank + 1
        return given if right and len(given) == count else None
    column = numpy.asarray(given)
    if column.shape != (count,) or column.dtype.kind not in ("iuf" if field.code in FLOATS else "iu"):
        return None
    if field.code not in FLOATS and not field.type.low <= int(column.min()) <= int(column.max()) <= field.type.high:
        return None
    if dtype.itemsize == 4 and field.code in FLOATS and column.dtype.itemsize == 8:
        # A float64 that overflows would become infinite without a word.
        if not (numpy.abs(column[numpy.isfinite(column)]) < 3.4e38).all():
            return None
    return column.astype(dtype)
