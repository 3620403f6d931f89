"""Calibration constants as scripts see them: detector -> ctype -> (data, doc), wherever they come from."""

import json
import os
from typing import Any, Callable, Dict, Iterator, Mapping, NamedTuple, Optional, Tuple

from .errors import MissingConstants
from .npy import read_npy

Constant = Tuple[Any, Dict[str, Any]]
"""Array, text, bytes or what JSON held; and the document, a dictionary."""

_DOC = ".doc.json"
_ENDINGS = (".npy", ".json", ".txt")


class Source(NamedTuple):
    """What a publisher says about a set of constants."""

    exp: Optional[str] = None
    run: int = 0
    origin: str = ""
    """The publisher's start; new each time."""
    seq: int = 0
    stale: bool = False
    """The publisher could not get those of this run: these are the last ones it had."""
    hash: str = ""
    """sha256 of the whole set, hexadecimal: equal for equal constants."""


class DetectorConstants(Mapping[str, Constant]):
    """Constants of one detector: ctype -> (data, doc). Made when asked for, then kept."""

    def __init__(self, detector: str, makers: Mapping[str, Callable[[], Constant]], id: str = "") -> None:
        self.id = id
        """Unique id: type and serial numbers of all segments; empty if they come from a folder."""
        self._detector = detector
        self._makers = makers
        self._made: Dict[str, Constant] = {}

    def __getitem__(self, ctype: str) -> Constant:
        made = self._made.get(ctype)
        if made is None:
            make = self._makers.get(ctype)
            if make is None:
                raise MissingConstants("there are no constants %s of %s; there are %s"
                                       % (ctype, self._detector, ", ".join(self._makers) or "none"))
            made = self._made[ctype] = make()
        return made

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)


class Constants(Mapping[str, DetectorConstants]):
    """Constants of a run: ``data, doc = constants["epix"]["pedestals"]``. Arrays are read-only."""

    def __init__(self, detectors: Mapping[str, DetectorConstants], source: Source = Source(), why_none: str = "") -> None:
        self._detectors = detectors
        self._source = source
        self._why_none = why_none

    def __getitem__(self, detector: str) -> DetectorConstants:
        found = self._detectors.get(detector)
        if found is None:
            raise MissingConstants(self._why_none or "there are no constants of detector %s; there are some of %s"
                                   % (detector, ", ".join(self) or "none"))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._detectors)

    def __len__(self) -> int:
        return len(self._detectors)

    def __repr__(self) -> str:
        found = ["%s (%s)" % (name, ", ".join(ctypes) or "none") for name, ctypes in self.items()]
        return "<Constants of run %s of %s: %s>" % (self.run, self.exp, "; ".join(found) or "none")

    @property
    def exp(self) -> Optional[str]:
        """Experiment, if the publisher said it."""
        return self._source.exp

    @property
    def run(self) -> int:
        """Run number; 0 if unknown."""
        return self._source.run

    @property
    def stale(self) -> bool:
        """True if the publisher could not get those of this run: these are the last ones it had."""
        return self._source.stale

    @property
    def source(self) -> Source:
        """Everything the publisher says about the set."""
        return self._source

    @property
    def hash(self) -> str:
        """sha256 of the whole set, hexadecimal: equal for equal constants. Empty if they come from a folder."""
        return self._source.hash


def no_constants(why: str) -> Constants:
    """An empty set that says why when it is asked."""
    return Constants({}, why_none=why)


def constants_in(folder: str) -> Constants:
    """
    The set in a folder: DETECTOR/CTYPE.npy, .json or .txt, each with an optional CTYPE.doc.json beside it. Files are read when asked
    for, so it has no hash.
    """
    detectors: Dict[str, DetectorConstants] = {}
    for name in sorted(entry.name for entry in os.scandir(folder) if entry.is_dir()) if os.path.isdir(folder) else ():
        makers: Dict[str, Callable[[], Constant]] = {}
        for entry in sorted(os.listdir(os.path.join(folder, name))):
            path = os.path.join(folder, name, entry)
            ctype, ending = os.path.splitext(entry)
            if ending in _ENDINGS and not entry.endswith(_DOC):
                makers.setdefault(ctype, lambda path=path: (_data(path), _doc(os.path.splitext(path)[0] + _DOC)))
        detectors[name] = DetectorConstants(name, makers)
    return Constants(detectors)


def _data(path: str) -> Any:
    if path.endswith(".npy"):
        return read_npy(path)
    with open(path, encoding="utf-8") as file:
        return json.load(file) if path.endswith(".json") else file.read()


def _doc(path: str) -> Dict[str, Any]:
    if not os.path.exists(path):
        return {}
    with open(path, encoding="utf-8") as file:
        return json.load(file)
