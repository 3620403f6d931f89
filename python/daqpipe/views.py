"""How scripts look into a dgram: detector, segment, algorithm, field. Each step is a small object made on demand."""

from typing import TYPE_CHECKING, Any, Dict, Iterator, List

from .errors import MissingData
from .xtc.shapesdata import OpenBlock, known_fields, open_block

if TYPE_CHECKING:
    from .dgram import Dgram


class Data:
    """
    The data of one algorithm of one detector segment in one dgram: ``block.image`` or ``block["image"]``.

    False if this dgram has none. Names with dots are found whole, ``block["expert.mode"]``, and step by step, ``block.expert.mode``.
    """

    __slots__ = ("_dgram", "_path", "_blocks", "_prefix")

    def __init__(self, dgram: "Dgram", path: Any, blocks: List[OpenBlock], prefix: str = "") -> None:
        self._dgram = dgram
        self._path = path
        self._blocks = blocks
        self._prefix = prefix

    def __bool__(self) -> bool:
        return bool(self._blocks)

    def __getitem__(self, field: str) -> Any:
        name = self._prefix + field
        for block in self._blocks:
            i = block.names.by_name.get(name)
            if i is not None:
                return block.value(self._dgram._view, self._dgram._at, i, self._labels)
        raise self._missing(name)

    def __getattr__(self, field: str) -> Any:
        if field.startswith("__"):
            raise AttributeError(field)
        name = self._prefix + field
        for block in self._blocks:
            i = block.names.by_name.get(name)
            if i is not None:
                return block.value(self._dgram._view, self._dgram._at, i, self._labels)
        start = name + "."
        if any(known.startswith(start) for block in self._blocks for known in block.names.by_name):
            return Data(self._dgram, self._path, self._blocks, start)
        raise self._missing(name)

    def __contains__(self, field: object) -> bool:
        return any(self._prefix + str(field) in block.names.by_name for block in self._blocks)

    @property
    def fields(self) -> List[str]:
        """Names of the fields, in the order of the file."""
        return [name for block in self._blocks for name in known_fields(block.names)]

    @property
    def damage(self) -> int:
        """Damage bits of the block and of the Shapes and Data in it."""
        damage = 0
        for block in self._blocks:
            damage |= block.damage
        return damage

    @property
    def version(self) -> Any:
        """Version of the algorithm: (major, minor, micro)."""
        packed = self._dgram._table.by_id[self._dgram._table.by_path[self._path][0]].version
        return packed >> 16 & 0xFF, packed >> 8 & 0xFF, packed & 0xFF

    def items(self) -> Dict[str, Any]:
        """All fields and values as a dictionary."""
        return {name: self[name] for name in self.fields}

    def _labels(self, enum: str) -> Dict[int, str]:
        detector, segment, _ = self._path
        return self._dgram._table.labels.get((detector, segment, enum), {})

    def _missing(self, field: str) -> MissingData:
        what = "%s_%d %s" % self._path
        if not self._blocks:
            return MissingData("%s has no data in this dgram (field %s)%s" % (what, field, self._dgram._why_hidden()))
        return MissingData("%s has no field %s; it has %s" % (what, field, ", ".join(self.fields) or "none"))

    def __repr__(self) -> str:
        return "<%s_%d %s: %s>" % (self._path + (", ".join(self.fields) or "no data",))


class Segment:
    """One segment of a detector in one dgram: ``segment.raw``, ``segment["raw"]``."""

    __slots__ = ("_dgram", "_name", "_number")

    def __init__(self, dgram: "Dgram", name: str, number: int) -> None:
        self._dgram = dgram
        self._name = name
        self._number = number

    def __getattr__(self, algorithm: str) -> Data:
        if algorithm.startswith("__"):
            raise AttributeError(algorithm)
        return self[algorithm]

    def __getitem__(self, algorithm: str) -> Data:
        dgram = self._dgram
        path = (self._name, self._number, algorithm)
        opened = dgram._contents().opened
        blocks = opened.get(path)
        if blocks is None:
            blocks = opened[path] = self._open(path)
        return Data(dgram, path, blocks)

    def _open(self, path: Any) -> List[OpenBlock]:
        dgram = self._dgram
        table = dgram._table
        ids = table.by_path.get(path)
        if not ids:
            raise MissingData("%s_%d has no algorithm %s; it has %s"
                              % (path + (", ".join(table.algorithms(self._name, self._number)) or "none",)))
        return [open_block(dgram._view, dgram._at, at, end, table.by_id[id]) for id, at, end in dgram._contents().blocks if id in ids]

    def __contains__(self, algorithm: object) -> bool:
        """Whether this dgram has data of the algorithm."""
        ids = self._dgram._table.by_path.get((self._name, self._number, str(algorithm)), ())
        return any(id in ids for id, _, _ in self._dgram._contents().blocks)

    @property
    def algorithms(self) -> List[str]:
        """All that are described; those with data in this dgram are ``in`` the segment."""
        return self._dgram._table.algorithms(self._name, self._number)

    @property
    def segment(self) -> int:
        """Its number."""
        return self._number

    def __repr__(self) -> str:
        return "<%s_%d: %s>" % (self._name, self._number, ", ".join(self.algorithms))


class Detector:
    """A detector in one dgram: ``detector[0]`` is its segment 0, iteration goes over all segments that are described."""

    __slots__ = ("_dgram", "_name")

    def __init__(self, dgram: "Dgram", name: str) -> None:
        self._dgram = dgram
        self._name = name

    def __getitem__(self, segment: int) -> Segment:
        if segment not in self.segments:
            raise MissingData("%s has no segment %s; it has %s"
                              % (self._name, segment, ", ".join(map(str, self.segments)) or "none"))
        return Segment(self._dgram, self._name, segment)

    def __iter__(self) -> Iterator[Segment]:
        return (Segment(self._dgram, self._name, number) for number in self.segments)

    def __len__(self) -> int:
        return len(self.segments)

    def __contains__(self, segment: object) -> bool:
        return segment in self.segments

    @property
    def segments(self) -> List[int]:
        """Numbers of the segments."""
        return self._dgram._table.segments(self._name)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        raise MissingData("%s has segments: write evt[%r][%d].%s" % (self._name, self._name, (self.segments or [0])[0], name))

    def __repr__(self) -> str:
        return "<%s: segments %s>" % (self._name, ", ".join(map(str, self.segments)))
