"""All descriptions of a stream, and the labels of its enums."""

from typing import Dict, List, Tuple

from .contents import Contents
from .layout import XTC_SIZE
from .names import Names, parse_names
from .shapesdata import open_block

Path = Tuple[str, int, str]
"""Detector, segment, algorithm."""


class Table:
    """Descriptions by NamesId and by detector, segment and algorithm. A Configure starts with an empty one."""

    __slots__ = ("by_id", "by_path", "labels", "own", "came")

    def __init__(self, own: Tuple[str, int] = ("", 0)) -> None:
        self.own = own
        """Detector and segment of this DRP."""
        self.came = False
        """Whether the input describes that detector and segment."""
        self.by_id: Dict[int, Names] = {}
        self.by_path: Dict[Path, List[int]] = {}
        """Several NamesIds may describe the same: they form one name space."""
        self.labels: Dict[Tuple[str, int, str], Dict[int, str]] = {}
        """(detector, segment, enum) -> value -> label, as last seen."""

    def define(self, names: Names) -> None:
        """Adds a description; a NamesId that is known already is described anew."""
        old = self.by_id.get(names.id)
        if old is not None:
            self.by_path[(old.det_name, old.segment, old.alg)].remove(names.id)
        self.by_id[names.id] = names
        self.by_path.setdefault((names.det_name, names.segment, names.alg), []).append(names.id)

    def learn(self, view: memoryview, contents: Contents) -> None:
        """Takes the descriptions, and the labels of enums, that a dgram brings."""
        for id, at, end in contents.names:
            names = parse_names(view, at + XTC_SIZE, end, id)
            if names is not None:
                self.define(names)
                self.came = self.came or (names.det_name, names.segment) == self.own
        for id, at, end in contents.blocks:
            names = self.by_id.get(id)
            if names is None or not names.label_fields:
                continue
            block = open_block(view, at, end, names)
            for enum, labels in block.own_labels().items():
                self.labels[(names.det_name, names.segment, enum)] = labels

    def detectors(self) -> List[str]:
        """Names of all detectors that are described, in order."""
        return list(dict.fromkeys(path[0] for path, ids in self.by_path.items() if ids))

    def segments(self, detector: str) -> List[int]:
        return sorted({path[1] for path, ids in self.by_path.items() if ids and path[0] == detector})

    def algorithms(self, detector: str, segment: int) -> List[str]:
        return [path[2] for path, ids in self.by_path.items() if ids and path[:2] == (detector, segment)]
