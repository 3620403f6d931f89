"""All descriptions of a stream, and the labels of its enums."""

from typing import Dict, List, Optional, Tuple

from ..errors import MissingData
from .contents import Contents, memorize, walk
from .layout import XTC_SIZE
from .names import Names, parse_names
from .shapesdata import open_block

Path = Tuple[str, int, str]
"""Detector, segment, algorithm."""


class Table:
    """Descriptions by NamesId and by detector, segment and algorithm. A Configure starts with an empty one."""

    __slots__ = ("by_id", "by_path", "labels", "own", "came", "last", "_doubt")

    def __init__(self, own: Tuple[str, int] = ("", 0)) -> None:
        self.own = own
        """Detector and segment of this DRP."""
        self.came = False
        """Whether the input describes that detector and segment."""
        self.last: Optional[Contents] = None
        """The walk through an event, for recognising others like it."""
        self._doubt = 0
        self.by_id: Dict[int, Names] = {}
        self.by_path: Dict[Path, List[int]] = {}
        """Several NamesIds may describe the same: they form one name space."""
        self.labels: Dict[Tuple[str, int, str], Dict[int, str]] = {}
        """(detector, segment, enum) -> value -> label, as last seen."""

    def define(self, names: Names) -> None:
        """Adds a description; a NamesId that is known already is described anew."""
        self.last = None
        old = self.by_id.get(names.id)
        if old is not None:
            self.by_path[(old.det_name, old.segment, old.alg)].remove(names.id)
        self.by_id[names.id] = names
        self.by_path.setdefault((names.det_name, names.segment, names.alg), []).append(names.id)

    def learn_labels(self, view: memoryview, base: int, contents: Contents) -> None:
        """Takes the labels of enums that a transition brings: they hold until others are seen."""
        for id, at, end in contents.blocks:
            names = self.by_id.get(id)
            if names is None or not names.label_fields:
                continue
            try:
                block = open_block(view, base, at, end, names)
            except MissingData:
                continue  # said when somebody asks for its data
            for enum, labels in block.own_labels(view, base).items():
                self.labels[(names.det_name, names.segment, enum)] = labels

    def _learn_names(self, view: memoryview, base: int, contents: Contents) -> None:
        for id, at, end in contents.names:
            names = parse_names(view, base + at + XTC_SIZE, base + end, id)
            if names is not None:
                self.define(names)
                self.came = self.came or (names.det_name, names.segment) == self.own

    def contents(self, view: memoryview, at: int, size: int) -> Contents:
        """The contents of a dgram: of one like it if there was one, else by walking. Its descriptions are learned."""
        last = self.last
        if last is not None and last.size == size and last.probe(view, at) == last.expected:
            self._doubt = 0
            return last
        found = walk(view, at, size)
        if found.names:
            self._learn_names(view, at, found)
        elif not found.problem and not found.hidden:
            # Where every event is different, preparing for the next is in vain: try it now and then.
            self._doubt += 1
            if (self._doubt < 4 or self._doubt % 32 == 0) and memorize(found, view, at, size):
                self.last = found
        return found

    def detectors(self) -> List[str]:
        """Names of all detectors that are described, in order."""
        return list(dict.fromkeys(path[0] for path, ids in self.by_path.items() if ids))

    def segments(self, detector: str) -> List[int]:
        return sorted({path[1] for path, ids in self.by_path.items() if ids and path[0] == detector})

    def algorithms(self, detector: str, segment: int) -> List[str]:
        return [path[2] for path, ids in self.by_path.items() if ids and path[:2] == (detector, segment)]

    def ids_of(self, algorithm: str, detector: Optional[str] = None, segment: Optional[int] = None) -> List[int]:
        """NamesIds of an algorithm: of this DRP's detector unless another is named, of all segments unless one is."""
        name = self.own[0] if detector is None else detector
        return [id for path, found in self.by_path.items() if path[0] == name and path[2] == algorithm
                and (segment is None or path[1] == segment) for id in found]
