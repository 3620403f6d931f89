"""Detectors and events as psana scripts read them: ``det.raw.raw(evt)``, ``det.raw.FIELD(evt)``."""

from typing import Any, List, Mapping

from daqpipe.dgram import Dgram
from daqpipe.errors import MissingData, Misuse
from daqpipe.xtc.arrays import numpy


class Event:
    """An L1Accept."""

    def __init__(self, dgram: Dgram) -> None:
        self._dgram = dgram

    @property
    def timestamp(self) -> int:
        """Seconds << 32 | nanoseconds."""
        return self._dgram.timestamp

    def service(self) -> int:
        """Transition id."""
        return int(self._dgram.service)


class Detector:
    """A detector: one attribute per algorithm."""

    def __init__(self, source: Any, run: Any, name: str) -> None:
        if name not in run.detectors:
            raise MissingData("there is no detector %s; there are %s" % (name, ", ".join(run.detectors) or "none"))
        self._run, self._detname = run, name
        self._segments: List[int] = run[name].segments

    @property
    def calibconst(self) -> Mapping[str, Any]:
        """ctype -> (data, doc) of this run; empty if there are no constants of the detector."""
        constants = self._run.constants
        return constants[self._detname] if self._detname in constants else {}

    def __getattr__(self, algorithm: str) -> "Algorithm":
        if algorithm.startswith("_"):
            raise AttributeError(algorithm)
        known = {alg for segment in self._run[self._detname] for alg in segment.algorithms}
        if algorithm not in known:
            raise MissingData("%s has no algorithm %s; it has %s" % (self._detname, algorithm, ", ".join(sorted(known))))
        return Algorithm(self._detname, algorithm)


class Algorithm:
    """An algorithm of a detector: every field is a function of the event; None where the event has no such data."""

    def __init__(self, detector: str, algorithm: str) -> None:
        self._detname, self._algorithm = detector, algorithm

    def raw(self, evt: Event) -> Any:
        """The field ``raw``, or the only array of the algorithm. Several segments come stacked, in their order."""
        found = self._data(evt)
        if not found:
            return None
        if all("raw" in data for data in found):
            return _joined([data["raw"] for data in found])
        arrays = [f.short_name for f in found[0]._blocks[0].names.fields if f.rank > 0 and f.type is not None and f.type.name != "str"]
        if len(arrays) != 1:
            raise MissingData("%s %s has no field raw; name one of %s" % (self._detname, self._algorithm, ", ".join(found[0].fields)))
        return _joined([data[arrays[0]] for data in found])

    def calib(self, evt: Event) -> Any:
        """Calibrated data: not in this subset."""
        raise Misuse("%s.%s.calib needs the real psana: run the script with --ipc posix, or calibrate with "
                     "run.constants of daqpipe" % (self._detname, self._algorithm))

    def __getattr__(self, field: str) -> Any:
        if field.startswith("_"):
            raise AttributeError(field)

        def read(evt: Event) -> Any:
            found = self._data(evt)
            return _joined([data[field] for data in found]) if found else None

        return read

    def _data(self, evt: Event) -> List[Any]:
        detector = evt._dgram[self._detname]
        return [segment[self._algorithm] for segment in detector if self._algorithm in segment]


def _joined(values: List[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    return values if numpy is None or not hasattr(values[0], "shape") else numpy.stack(values)
