"""The BeginRun transition: experiment, run number, calibration constants."""

from typing import Any, Optional

from .constants import Constants, constants_in, no_constants
from .dgram import Dgram

_NOWHERE = "there are no constants: drp-python was started without --constants FOLDER and without --calib ENDPOINT"


class Run(Dgram):
    """A run. It may be kept until the next one begins; ``evt.run`` leads to it."""

    __slots__ = ("_constants", "_folder")

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._constants: Optional[Constants] = None
        self._folder = self._stream.settings.constants if self._stream is not None else None

    @property
    def constants(self) -> Constants:
        """
        Calibration constants: ``data, doc = run.constants["epix"]["pedestals"]``. `data` is an array, a text or what JSON held;
        `doc` a dictionary. Made when asked for, then kept for the run. Looking up what is not there raises MissingConstants.
        """
        if self._constants is None:
            self._constants = constants_in(self._folder) if self._folder is not None else no_constants(_NOWHERE)
        return self._constants

    @property
    def experiment(self) -> Optional[str]:
        """Experiment, if the DAQ's runinfo came with the run."""
        return self._info("expt")

    @property
    def number(self) -> Optional[int]:
        """Run number, if the DAQ's runinfo came with the run."""
        return self._info("runnum")

    def _info(self, field: str) -> Any:
        for segment in self._table.segments("runinfo"):
            data = self["runinfo"][segment]
            if "runinfo" in data and field in data.runinfo:
                return data.runinfo[field]
        return None
