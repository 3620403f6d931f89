"""Names blocks: what describes the data, and where the fields of a ShapesData block lie."""

from typing import Dict, Iterable, List, NamedTuple, Optional, Tuple

from .layout import (
    ELEMENT_TYPES, ENUMDICT, ENUMVAL, FIELD_ALG, FIELD_NAME, FIELD_RANK, FIELD_SIZE, FIELD_TYPE, FIELD_VERSION, INFO_ALG,
    INFO_ID, INFO_NAME, INFO_SEGMENT, INFO_SIZE, INFO_TYPE, INFO_VERSION, MAX_SLOTS, SHAPE, SHAPE_SIZE, TEXT_SIZE, UNPACK,
    ElementType,
)

_u32 = UNPACK[2]
Version = Tuple[int, int, int]


class Field(NamedTuple):
    """One field of a description."""

    index: int
    name: str
    """As stored, enum part and dots included."""
    code: int
    rank: int
    type: Optional[ElementType]
    """None for a code that does not exist."""
    shape_index: int
    """Number of its Shapes entry, -1 for scalars."""
    short_name: str
    """Without the enum part."""
    enum_name: str
    """What stands behind the first colon of ENUMVAL and ENUMDICT fields, else empty."""
    alg: str = ""
    version: int = 0


class Placement(NamedTuple):
    """Where the fields lie in Data, for one set of dimensions."""

    key: bytes
    """The Shapes entries that it was worked out for."""
    offsets: List[int]
    shapes: List[Tuple[int, ...]]
    """Of every field; () for scalars."""
    total: int
    problem: str
    """Why fields behind the last offset cannot be read; empty if all can."""


class Names:
    """A description of the data of one algorithm of one detector segment."""

    __slots__ = ("id", "det_type", "det_name", "det_id", "alg", "version", "segment", "fields", "arrays", "by_name",
                 "label_fields", "_last")

    def __init__(self, id: int, det_name: str, segment: int, alg: str, version: int, fields: Iterable[Field],
                 det_type: str = "", det_id: str = "") -> None:
        self.id = id
        self.det_name = det_name
        self.segment = segment
        self.alg = alg
        self.version = version
        self.det_type = det_type
        self.det_id = det_id
        self.fields = tuple(fields)
        self.arrays = sum(1 for f in self.fields if f.rank > 0)
        self.by_name: Dict[str, int] = {}
        for f in self.fields:
            if f.code != ENUMDICT:
                self.by_name.setdefault(f.short_name, f.index)
        for f in self.fields:
            self.by_name.setdefault(f.name, f.index)
        self.label_fields = tuple(f for f in self.fields if f.code == ENUMDICT and f.rank == 0)
        self._last: Optional[Placement] = None

    def __str__(self) -> str:
        return "%s_%d %s" % (self.det_name, self.segment, self.alg)

    def place(self, view: memoryview, shapes_at: int, shapes_end: int, have: int) -> Placement:
        """Positions of the fields in a Data of `have` bytes; worked out once per set of dimensions."""
        key = bytes(view[shapes_at:min(shapes_end, shapes_at + SHAPE_SIZE * self.arrays)]) if self.arrays else b""
        last = self._last
        if last is not None and last.key == key and last.total <= have and not last.problem:
            return last
        self._last = last = self._work_out(key, have)
        return last

    def _work_out(self, key: bytes, have: int) -> Placement:
        offsets: List[int] = []
        shapes: List[Tuple[int, ...]] = []
        at = 0
        for field in self.fields:
            if field.type is None or field.rank > MAX_SLOTS:
                return Placement(key, offsets, shapes, at, "has an unknown type or rank")
            size, shape = field.type.size, ()
            if field.rank:
                entry = field.shape_index * SHAPE_SIZE
                if entry + SHAPE_SIZE > len(key):
                    return Placement(key, offsets, shapes, at, "has no dimensions in Shapes")
                shape = SHAPE.unpack_from(key, entry)[:field.rank]
                for dimension in shape:
                    size *= dimension
            if at + size > have:
                return Placement(key, offsets, shapes, at, "needs more bytes than Data has")
            offsets.append(at)
            shapes.append(shape)
            at += size
        return Placement(key, offsets, shapes, at, "")


def decode_text(stored: bytes) -> str:
    """Text up to the first NUL; UTF-8 if it is that, else Latin-1."""
    stored = stored.split(b"\0", 1)[0]
    try:
        return stored.decode("utf-8")
    except UnicodeDecodeError:
        return stored.decode("latin-1")


def make_field(index: int, name: str, code: int, rank: int, shape_index: int, alg: str = "", version: int = 0) -> Field:
    """A field as readers see it."""
    element = ELEMENT_TYPES[code] if code < len(ELEMENT_TYPES) else None
    short, _, enum = name.partition(":") if code in (ENUMVAL, ENUMDICT) else (name, "", "")
    return Field(index, name, code, rank, element, shape_index if rank else -1, short, enum, alg, version)


def parse_names(view: memoryview, start: int, end: int, id: int) -> Optional[Names]:
    """The Names payload `view[start:end]`, or None if its size is impossible."""
    if end - start < INFO_SIZE or (end - start - INFO_SIZE) % FIELD_SIZE:
        return None

    def text(at: int) -> str:
        return decode_text(bytes(view[at:at + TEXT_SIZE]))

    fields: List[Field] = []
    arrays = 0
    for at in range(start + INFO_SIZE, end, FIELD_SIZE):
        rank = _u32(view, at + FIELD_RANK)[0]
        fields.append(make_field(len(fields), text(at + FIELD_NAME), _u32(view, at + FIELD_TYPE)[0], rank, arrays,
                                 text(at + FIELD_ALG), _u32(view, at + FIELD_VERSION)[0]))
        arrays += rank > 0
    return Names(id, text(start + INFO_NAME), _u32(view, start + INFO_SEGMENT)[0], text(start + INFO_ALG),
                 _u32(view, start + INFO_VERSION)[0], fields, text(start + INFO_TYPE), text(start + INFO_ID))
