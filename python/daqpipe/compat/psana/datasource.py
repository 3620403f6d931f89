"""DataSource of a DRP: definitions before the loop, then runs, steps and events, pulled from the worker's stream."""

from typing import Any, Dict, Iterator, Mapping, Optional

from daqpipe import stream as runtime
from daqpipe.configuration import Configuration
from daqpipe.dgram import Dgram, Event as DaqEvent
from daqpipe.errors import BadValue, Misuse
from daqpipe.handle import Handle
from daqpipe.xtc.layout import BEGIN_RUN, BEGIN_STEP, END_RUN, END_STEP, FLOATS

from .dgramedit import AlgDef, DetectorDef
from .reading import Detector, Event


class Container:
    """Fields of an algorithm as attributes: fill all of them, then give it to ``add_data``. They are empty again afterwards."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._clear()

    def _clear(self) -> None:
        for name in self._handle.fields:
            setattr(self, name, None)

    def _values(self) -> Dict[str, Any]:
        values = {name: value for name, value in vars(self).items() if not name.startswith("_") and value is not None}
        for field in self._handle.names.fields:
            # The reference converts numbers to the type of their field.
            if field.rank == 0 and field.code not in FLOATS and isinstance(values.get(field.name), float):
                values[field.name] = int(values[field.name])
        return values


class AddedDetector:
    """What ``add_detector`` returns: the container under the name of the algorithm."""

    def __init__(self, algorithm: str, container: Container) -> None:
        setattr(self, algorithm, container)


class PrometheusManager:
    """Scripts register metrics here; in daqpipe they are exported by drp-python, so nothing is to be done."""

    def register(self, metric: Any) -> None:
        """Accepts a metric."""


class DataSource:
    """``DataSource(drp=drp_info)``. Other sources need the real psana."""

    def __init__(self, *arguments: Any, drp: Any = None, monitor: bool = False, **options: Any) -> None:
        if drp is None or arguments:
            raise Misuse("this psana is the part of it that daqpipe has: only DataSource(drp=drp_info) works; "
                         "install psana for files and live data")
        self.prom_man = PrometheusManager()
        self._stream = runtime.active("DataSource(drp=...)")
        self._current: Optional[Dgram] = self._stream.first()
        self._looping = False

    def add_detector(self, detdef: DetectorDef, algdef: AlgDef, datadef: Mapping[str, Any], nodeId: Optional[int] = None,
                     namesId: Optional[int] = None, segment: Optional[int] = None) -> AddedDetector:
        """Describes new data: ``{field: (dtype, rank)}``. :raises Misuse: once the loop over the runs has begun"""
        configuration = self._current
        if self._looping or not isinstance(configuration, Configuration):
            raise Misuse("add_detector must come before the loop over ds.runs()")
        handle = configuration.add(algdef.name, datadef, version=(algdef.major, algdef.minor, algdef.micro), detector=detdef.name,
                                   segment=segment or 0, det_type=detdef.dettype, det_id=detdef.detid, node_id=nodeId,
                                   names_id=namesId)
        return AddedDetector(algdef.name, Container(handle))

    def add_data(self, container: Container) -> None:
        """Adds the data of a container to the event, or before the loop to the Configure."""
        if self._current is None:
            raise Misuse("there is no event to add data to")
        if not isinstance(container, Container):
            raise BadValue("add_data needs det.ALGORITHM of a detector from add_detector, got %s" % type(container).__name__)
        Dgram.add(self._current, container._handle, container._values())
        container._clear()

    adddata = add_data

    def remove_data(self, det_name: str, alg_name: str) -> None:
        """Leaves the data of an algorithm out of this event. :raises Misuse: before the loop"""
        if not isinstance(self._current, DaqEvent):
            raise Misuse("remove_data works on an event, within the loop over run.events()")
        self._current.remove(alg_name, det_name)

    removedata = remove_data

    def runs(self) -> Iterator["Run"]:
        """The runs, until Unconfigure."""
        self._looping = True
        while True:
            dgram = self._next()
            if dgram is None:
                return
            if dgram.service == BEGIN_RUN:
                yield Run(self, dgram)

    def _next(self) -> Optional[Dgram]:
        self._current = self._stream.pull()
        return self._current


class Run:
    """One run."""

    def __init__(self, source: DataSource, begin: Any) -> None:
        self._source = source
        self._begin = begin
        self._ended = False
        self.timestamp = begin.timestamp
        self.expt = begin.experiment
        self.runnum = begin.number

    def Detector(self, name: str) -> Detector:
        """A detector of the Configure."""
        return Detector(self._source, self._begin, name)

    def events(self) -> Iterator[Event]:
        """The events of the run."""
        yield from self._until(END_RUN)

    def steps(self) -> Iterator["Step"]:
        """The steps of the run."""
        while not self._ended:
            dgram = self._source._next()
            if dgram is None or dgram.service == END_RUN:
                self._ended = True
            elif dgram.service == BEGIN_STEP:
                yield Step(self, dgram)

    def _until(self, last: int) -> Iterator[Event]:
        while not self._ended:
            dgram = self._source._next()
            if dgram is None or dgram.service == END_RUN:
                self._ended = True
            elif dgram.service == last:
                return
            elif isinstance(dgram, DaqEvent):
                yield Event(dgram)


class Step:
    """One step of a scan."""

    def __init__(self, run: Run, begin: Dgram) -> None:
        self._run = run
        self.timestamp = begin.timestamp

    def events(self) -> Iterator[Event]:
        """The events of the step."""
        yield from self._run._until(END_STEP)
