"""From values to ShapesData blocks: packed, Shapes before Data, every undefined byte zero."""

import struct
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Tuple

from ..errors import BadValue
from .arrays import Source, array_source
from .layout import CHARSTR, DATA, FLOATS, SHAPE_SIZE, SHAPES, SHAPESDATA, XTC_SIZE
from .names import Field, Names

Reserve = Callable[[int], Tuple[Any, int]]
"""Gives room for that many bytes: a writable buffer and a position."""


class _Run(NamedTuple):
    """Scalar fields that lie side by side."""

    names: Tuple[str, ...]
    packer: struct.Struct


class Encoder:
    """Writes the ShapesData blocks of one description."""

    __slots__ = ("names", "fields", "_scalar", "_head", "_plan", "_shapes")

    def __init__(self, names: Names) -> None:
        self.names = names
        self.fields = tuple(f.name for f in names.fields)
        self._plan = _plan_of(names)
        self._shapes = struct.Struct("<" + "5I" * names.arrays)
        self._scalar: Optional[struct.Struct] = None
        letters = "".join(f.type.char for f in names.fields)
        data = struct.calcsize("<" + letters)
        if not names.arrays:
            # Without arrays the whole block is one pack: three headers with nothing between, then the values.
            self._scalar = struct.Struct("<IHHIIHHIIHHI" + letters)
            self._head = (names.id, 0, SHAPESDATA, self._scalar.size, 0, 0, SHAPES, XTC_SIZE, 0, 0, DATA, XTC_SIZE + data)

    def write(self, values: Mapping[str, Any], reserve: Reserve) -> int:
        """
        Writes one block where `reserve` says; returns its size.

        :raises BadValue: naming the field, what it needs and what it got; nothing has been reserved then
        """
        scalar = self._scalar
        if scalar is not None:
            try:
                block = scalar.pack(*self._head, *[values[name] for name in self.fields])
            except (KeyError, struct.error, TypeError, OverflowError, ValueError):
                self.check(values)
                block = scalar.pack(*self._head, *[_number(f, values[f.name]) for f in self.names.fields])
            if len(values) != len(self.fields):
                self.check(values)
            out, at = reserve(len(block))
            out[at:at + len(block)] = block
            return len(block)
        return self._write_arrays(values, reserve)

    def _write_arrays(self, values: Mapping[str, Any], reserve: Reserve) -> int:
        self.check(values)
        parts: List[Any] = []
        shapes: List[int] = []
        size = 0
        for step in self._plan:
            if isinstance(step, _Run):
                part: Any = _pack_run(step, self.names, values)
                size += len(part)
            else:
                part = _text_part(step, values[step.name]) if step.code == CHARSTR else array_source(step, values[step.name])
                size += part.size
                shapes += part.shape
                shapes += (0, 0, 0, 0, 0)[len(part.shape):]
            parts.append(part)
        shapes_size = XTC_SIZE + SHAPE_SIZE * self.names.arrays
        total = XTC_SIZE + shapes_size + XTC_SIZE + size
        out, at = reserve(total)
        _header(out, at, self.names.id, SHAPESDATA, total)
        _header(out, at + XTC_SIZE, 0, SHAPES, shapes_size)
        self._shapes.pack_into(out, at + 2 * XTC_SIZE, *shapes)
        at += XTC_SIZE + shapes_size
        _header(out, at, 0, DATA, XTC_SIZE + size)
        at += XTC_SIZE
        for part in parts:
            if isinstance(part, bytes):
                out[at:at + len(part)] = part
                at += len(part)
            else:
                part.write(out, at)
                at += part.size
        return total

    def check(self, values: Mapping[str, Any]) -> None:
        """:raises BadValue: if a field is missing or unknown"""
        missing = [name for name in self.fields if name not in values]
        if missing:
            raise BadValue("%s: field %s has no value" % (self.names, ", ".join(missing)))
        unknown = [str(name) for name in values if name not in self.fields]
        if unknown:
            raise BadValue("%s: there is no field %s; its fields are %s"
                           % (self.names, ", ".join(unknown), ", ".join(self.fields)))

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """The block as bytes of its own."""
        made: Dict[str, bytearray] = {}

        def reserve(size: int) -> Tuple[Any, int]:
            made["block"] = bytearray(size)
            return memoryview(made["block"]), 0

        self.write(values, reserve)
        return bytes(made["block"])


_pack_header = struct.Struct("<IHHI").pack_into


def _header(out: Any, at: int, src: int, kind: int, extent: int) -> None:
    _pack_header(out, at, src, 0, kind, extent)


def _plan_of(names: Names) -> List[Any]:
    """Runs of scalars, and array fields one by one."""
    plan: List[Any] = []
    run: List[Field] = []

    def close() -> None:
        if run:
            plan.append(_Run(tuple(f.name for f in run), struct.Struct("<" + "".join(f.type.char for f in run))))
            run.clear()

    for field in names.fields:
        if field.rank == 0:
            run.append(field)
        else:
            close()
            plan.append(field)
    close()
    return plan


def _pack_run(run: _Run, names: Names, values: Mapping[str, Any]) -> bytes:
    try:
        return run.packer.pack(*[values[name] for name in run.names])
    except (struct.error, TypeError, OverflowError, ValueError):
        fields = {f.name: f for f in names.fields}
        return run.packer.pack(*[_number(fields[name], values[name]) for name in run.names])


def _number(field: Field, value: Any) -> Any:
    """The value as struct takes it. :raises BadValue: naming the field, its type and the value"""
    kind = field.type
    if getattr(value, "ndim", 0) != 0 or isinstance(value, (str, bytes, list, tuple, dict)) or value is None:
        raise BadValue("field %s needs a scalar of %s, got %s" % (field.name, kind.name, _shown(value)))
    if field.code in FLOATS:
        try:
            number = float(value)
            struct.pack("<" + kind.char, number)
            return number
        except (TypeError, ValueError, OverflowError):
            raise BadValue("field %s (%s) cannot hold %s" % (field.name, kind.name, _shown(value))) from None
    try:
        # numpy's bool_ has no __index__, a float must not be cut silently.
        number = int(value) if type(value).__name__ in ("bool_", "bool") else value.__index__()
    except (AttributeError, TypeError):
        raise BadValue("field %s needs an integer (%s), got %s" % (field.name, kind.name, _shown(value))) from None
    if not kind.low <= number <= kind.high:
        raise BadValue("field %s (%s) cannot hold %d: its range is %d to %d" % (field.name, kind.name, number, kind.low, kind.high))
    return number


def _text_part(field: Field, value: Any) -> Source:
    if not isinstance(value, str):
        raise BadValue("field %s needs a str, got %s" % (field.name, _shown(value)))
    if "\0" in value:
        raise BadValue("field %s: the text contains a NUL character" % field.name)
    stored = value.encode() + b"\0"
    return Source((len(stored),), len(stored), stored, CHARSTR)


def _shown(value: Any) -> str:
    shape = getattr(value, "shape", None)
    if shape:
        return "%s of shape %s" % (type(value).__name__, tuple(shape))
    text = repr(value)
    return "%s %s" % (type(value).__name__, text if len(text) <= 60 else text[:57] + "...")
