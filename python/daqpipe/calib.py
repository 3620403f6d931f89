"""
Calibration constants from a ``calib-pub``, for scripts that drp-python does not run::

    from daqpipe import calib
    for constants in calib.subscribe("ipc:///run/user/1000/daqpipe/calib-p0-epix_0.sock", timeout=30):
        pedestals, doc = constants["epix"]["pedestals"]

``python3 -m daqpipe.calib ENDPOINT`` prints what comes.
"""

import argparse
import sys
from typing import Any, Iterator, List, Optional, Sequence

from .constants import Constants, Source, constants_in
from .errors import BadConstants
from .frames import TOPIC, read_frames
from .xtc.arrays import numpy
from .zmtp import Subscriber

__all__ = ["Constants", "describe", "load", "read_frames", "subscribe"]


def load(folder: str) -> Constants:
    """The set in a folder: DETECTOR/CTYPE.npy, .json or .txt, each with an optional CTYPE.doc.json beside it."""
    return constants_in(folder)


class Repeats:
    """Tells messages that were sent again after a broken connection, or by a publisher that was started again."""

    def __init__(self) -> None:
        self._last = Source()

    def is_repeat(self, source: Source) -> bool:
        """Whether this message is known; if not, it counts as the last one from now on."""
        last = self._last
        if source.origin == last.origin and source.seq <= last.seq:
            return True
        self._last = source
        return source.origin != last.origin and source.exp is not None and source[:2] == last[:2] and source.hash == last.hash


def subscribe(endpoint: str, timeout: Optional[float] = None, verify: bool = True) -> Iterator[Constants]:
    """
    Every set that is published from now on, and the one of the run under way. Sets that come twice are left out.

    :param endpoint: ``ipc://PATH`` or ``tcp://HOST:PORT``
    :param timeout: seconds to wait for each set; None waits for ever
    :raises TimeoutError: if none came in time
    :raises BadConstants: if a message is wrong
    """
    repeats = Repeats()
    with Subscriber(endpoint, TOPIC) as socket:
        while True:
            frames = socket.receive(timeout)
            try:
                constants = read_frames(frames, verify=verify)
            except FileNotFoundError as error:
                sys.stderr.write("daqpipe.calib: passing over a set, its shared memory is not there: %s\n" % error)
                continue
            if not repeats.is_repeat(constants.source):
                yield constants


def describe(constants: Constants) -> List[str]:
    """What a set holds, line by line."""
    lines = ["run %d of %s, number %d%s, hash %s" % (constants.run, constants.exp or "an unnamed experiment", constants.source.seq,
                                                    ", STALE" if constants.stale else "", constants.hash[:16])]
    for name, detector in constants.items():
        lines.append("  %s %s%s" % (name, detector.id, "" if len(detector) else ": none"))
        lines.extend("    %-16s %s" % (ctype, _shape_of(data)) for ctype, (data, _) in detector.items())
    return lines


def _shape_of(data: Any) -> str:
    if isinstance(data, (str, bytes)):
        return "%s of %d" % (type(data).__name__, len(data))
    return "%s %s" % (data.dtype.str if numpy is not None else data.format, tuple(data.shape))


def main(argv: Sequence[str]) -> int:
    """Exit status: 0 as many as wanted came, 1 none in time or a wrong one, 2 usage."""
    parser = argparse.ArgumentParser(prog="python3 -m daqpipe.calib", description="Prints the sets of constants that a calib-pub publishes.")
    parser.add_argument("endpoint", help="ipc://PATH or tcp://HOST:PORT")
    parser.add_argument("-n", "--count", type=int, default=0, help="end after this many sets; 0: never")
    parser.add_argument("--timeout", type=float, help="seconds to wait for each set")
    options = parser.parse_args(argv)
    left = options.count
    try:
        for constants in subscribe(options.endpoint, options.timeout):
            print("\n".join(describe(constants)), flush=True)
            left -= 1
            if left == 0:
                break
    except (BadConstants, OSError) as error:
        sys.stderr.write("daqpipe.calib: %s\n" % error)
        return 1
    except ValueError as error:
        sys.stderr.write("daqpipe.calib: %s\n" % error)
        return 2
    except KeyboardInterrupt:
        pass
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
