"""The BeginRun transition: experiment, run number, calibration constants."""

from typing import Any, Optional

from .constants import Constants
from .dgram import Dgram


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
        `doc` a dictionary. Read when asked for, then kept for the run.

        :raises MissingConstants: saying what there is instead
        """
        if self._constants is None:
            self._constants = Constants(self._folder)
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
