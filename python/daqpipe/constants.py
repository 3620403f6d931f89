"""Calibration constants: a folder DETECTOR/CTYPE.npy, .json or .txt, each with an optional CTYPE.doc.json beside it."""

import json
import os
from typing import Any, Dict, Iterator, Mapping, Optional, Tuple

from .errors import MissingConstants
from .npy import read_npy

_DOC = ".doc.json"
_ENDINGS = (".npy", ".json", ".txt")


class DetectorConstants(Mapping[str, Tuple[Any, Dict[str, Any]]]):
    """Constants of one detector: ctype -> (data, doc)."""

    def __init__(self, detector: str, folder: str) -> None:
        self._detector = detector
        self._read: Dict[str, Tuple[Any, Dict[str, Any]]] = {}
        self._files: Dict[str, str] = {}
        for entry in sorted(os.listdir(folder)):
            ctype, ending = os.path.splitext(entry)
            if ending in _ENDINGS and not entry.endswith(_DOC):
                self._files.setdefault(ctype, os.path.join(folder, entry))

    def __getitem__(self, ctype: str) -> Tuple[Any, Dict[str, Any]]:
        found = self._read.get(ctype)
        if found is None:
            path = self._files.get(ctype)
            if path is None:
                raise MissingConstants("there are no constants %s of %s; there are %s"
                                       % (ctype, self._detector, ", ".join(self._files) or "none"))
            found = self._read[ctype] = (_data(path), _doc(os.path.splitext(path)[0] + _DOC))
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


class Constants(Mapping[str, DetectorConstants]):
    """Constants of a run: detector -> ctype -> (data, doc)."""

    def __init__(self, folder: Optional[str]) -> None:
        self._folder = folder
        self._opened: Dict[str, DetectorConstants] = {}

    def __getitem__(self, detector: str) -> DetectorConstants:
        opened = self._opened.get(detector)
        if opened is None:
            if self._folder is None:
                raise MissingConstants("there are no constants: drp-python was started without --constants FOLDER")
            if detector not in self:
                raise MissingConstants("there are no constants of detector %s; there are some of %s"
                                       % (detector, ", ".join(self) or "none"))
            opened = self._opened[detector] = DetectorConstants(detector, os.path.join(self._folder, detector))
        return opened

    def __iter__(self) -> Iterator[str]:
        if self._folder is None or not os.path.isdir(self._folder):
            return iter(())
        return iter(sorted(entry.name for entry in os.scandir(self._folder) if entry.is_dir()))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __contains__(self, detector: object) -> bool:
        return any(name == detector for name in self)


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
