"""One ShapesData block: its fields as Python values, read when they are asked for."""

from typing import Any, Dict, List

from ..errors import MissingData
from .layout import CHARSTR, DATA, ENUMVAL, SHAPES, UNPACK, XTC, XTC_SIZE
from .names import Names, decode_text
from .arrays import array_view

_xtc = XTC.unpack_from


class Enum(int):
    """Value of an enum field: an int with its label, or ``None`` if no dictionary knows it."""

    label: "str | None"

    def __new__(cls, value: int, label: "str | None") -> "Enum":
        self = super().__new__(cls, value)
        self.label = label
        return self

    @property
    def value(self) -> int:
        """The number alone."""
        return int(self)

    def __repr__(self) -> str:
        return "%d (%s)" % (int(self), self.label) if self.label is not None else "%d" % int(self)

    __str__ = __repr__


class OpenBlock:
    """A ShapesData block with its description; it holds for all dgrams that are laid out alike."""

    __slots__ = ("names", "data_at", "place", "damage")

    def __init__(self, names: Names, data_at: int, place: Any, damage: int) -> None:
        self.names = names
        self.data_at = data_at
        self.place = place
        self.damage = damage

    def value(self, view: memoryview, base: int, i: int, labels: Any = None) -> Any:
        """
        Field `i` of the dgram at `base`: a number, :class:`Enum`, str, or an array view of the dgram's bytes.

        `labels`: function from enum name to a dictionary value -> label, for blocks without one of their own.
        """
        names, place = self.names, self.place
        field = names.fields[i]
        if i >= len(place.offsets):
            raise MissingData("%s: field %s cannot be read: field %s %s"
                              % (names, field.name, names.fields[len(place.offsets)].name, place.problem))
        at = base + self.data_at + place.offsets[i]
        if field.rank == 0:
            number = UNPACK[field.code](view, at)[0]
            if field.code != ENUMVAL:
                return number
            own = self.own_labels(view, base).get(field.enum_name)
            known = own if own is not None else labels(field.enum_name) if labels else {}
            return Enum(number, known.get(number))
        shape = place.shapes[i]
        if field.code == CHARSTR and field.rank == 1:
            return decode_text(bytes(view[at:at + shape[0]]))
        return array_view(view, at, field.type, shape)

    def own_labels(self, view: memoryview, base: int) -> Dict[str, Dict[int, str]]:
        """Enum name -> value -> label, from the dictionary fields of this block; of two labels with one value the later counts."""
        found: Dict[str, Dict[int, str]] = {}
        for field in self.names.label_fields:
            if field.index < len(self.place.offsets):
                number = UNPACK[field.code](view, base + self.data_at + self.place.offsets[field.index])[0]
                found.setdefault(field.enum_name, {})[number] = field.short_name
        return found


def open_block(view: memoryview, base: int, start: int, end: int, names: Names) -> OpenBlock:
    """
    Opens the ShapesData block from `start` to `end` of the dgram at `base`.

    :raises MissingData: if its children cannot be walked or it has no Data
    """
    shapes_at = shapes_end = data_at = data_end = -1
    at = start + XTC_SIZE
    damage = _xtc(view, base + start)[1]
    while at < end:
        _, harm, kind, extent = _xtc(view, base + at) if end - at >= XTC_SIZE else (0, 0, 0, 0)
        if extent < XTC_SIZE or at + extent > end:
            raise MissingData("%s: the block of this dgram is broken (an extent of %d bytes)" % (names, extent))
        damage |= harm
        kind &= 0xFFF
        if kind == DATA and data_at < 0:
            data_at, data_end = at + XTC_SIZE, at + extent
        elif kind == SHAPES and shapes_at < 0:
            shapes_at, shapes_end = at + XTC_SIZE, at + extent
        at += extent
    if data_at < 0:
        raise MissingData("%s: the block of this dgram has no Data" % names)
    place = names.place(view, base + shapes_at, base + shapes_end, data_end - data_at) if shapes_at >= 0 else names.place(
        view, 0, 0, data_end - data_at)
    return OpenBlock(names, data_at, place, damage)


def known_fields(names: Names) -> List[str]:
    """Names of the fields as users write them."""
    return [f.short_name for f in names.fields if f.code != 12]
