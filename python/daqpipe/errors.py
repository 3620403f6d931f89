"""Every error that daqpipe raises on its own account. All are :class:`DaqpipeError`; the message names what is wrong and where."""


class DaqpipeError(Exception):
    """Base of all errors of daqpipe."""

    def __str__(self) -> str:
        # KeyError would show the quoted representation of the sentence.
        return str(self.args[0]) if self.args else ""


class MissingData(DaqpipeError, KeyError, AttributeError):
    """A detector, segment, algorithm or field is not described, or has no data in this dgram."""


class BadValue(DaqpipeError, ValueError, TypeError):
    """A value does not fit its field: wrong type, rank or range, or a field is missing or unknown."""


class BadDefinition(DaqpipeError, ValueError):
    """A new detector, algorithm or field cannot be described like that."""


class BadDgram(DaqpipeError, ValueError):
    """Bytes that are no dgram, or a structure that cannot be walked."""


class MissingConstants(DaqpipeError, KeyError):
    """Calibration constants that were asked for are not there."""


class BadConstants(DaqpipeError, ValueError):
    """A message of calibration constants, or a set of them, that contradicts itself."""


class Misuse(DaqpipeError, RuntimeError):
    """A call that is not possible here and now: outside drp-python, after the event, in the wrong transition."""
