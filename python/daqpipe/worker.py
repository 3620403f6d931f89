"""The worker process: ``python -u -m daqpipe.worker JSON``, started by drp-python."""

import ctypes
import gc
import os
import signal
import sys
from typing import List

from . import stream as runtime
from .dgram import Event
from .links import Link, open_link
from .protocol import HELLO, SCRIPT, STOPPED, encode
from .script import describe_failure, print_failure, run_cycle
from .settings import Settings, read_settings
from .stream import Stream

_PR_SET_PDEATHSIG = 1

DONE, FAILED, USAGE = 0, 1, 2


def main(argv: List[str]) -> int:
    """Exit status: 0 stopped by STOP or by the end of the pipe, 1 the script failed (ERROR was sent), 2 it could not begin."""
    if len(argv) != 2:
        sys.stderr.write("daqpipe.worker is started by drp-python; its one argument is a JSON object\n")
        return USAGE
    try:
        settings = read_settings(argv[1])
        die_with_parent(settings.parent_pid)
        redirect_output()
        link = open_link(settings)
    except (ValueError, TypeError, OSError) as error:
        sys.stderr.write("daqpipe.worker: %s\n" % error)
        return USAGE
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        return work(link, settings)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return DONE


def work(link: Link, settings: Settings) -> int:
    """Serves cycles until STOP."""
    stream = runtime.current = Stream(link, settings)
    link.send(encode(HELLO, settings.generation))
    while True:
        # A script with a loop of its own may have ended at a Configure that no SCRIPT preceded: then it is loaded again.
        again = stream.open or stream.receive()
        message, stream.pushed = stream.pushed, None
        if message is not None and message.type != SCRIPT:
            link.send(encode(STOPPED, settings.generation, message.sequence))
            return DONE
        try:
            run_cycle(stream, announce=not again)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except BaseException as error:
            fail(link, stream, error)
            return FAILED
        gc.collect()


def fail(link: Link, stream: Stream, error: BaseException) -> None:
    """Results of the dgrams before, traceback on stderr, then ERROR."""
    place = ""
    if stream.open and stream.results is not None:
        index = stream.results.count
        if index < len(stream.entries):
            offset, size, flags = stream.entries[index]
            dgram = Event(stream.view, offset, size, flags, stream.table, None)
            place = "in %s at %d.%09d" % ((dgram.service.name,) + dgram.time)
        if index > 0:
            stream.answer()
    print_failure(error)
    link.send_error(describe_failure(error, place), stream.sequence)


def die_with_parent(parent: int) -> None:
    """The kernel ends this process with its parent, however that ends. :raises OSError: if the parent is gone already"""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no parent-death signal")
    if parent and os.getppid() != parent:
        raise OSError("drp-python (pid %d), which started this worker, is gone" % parent)


def redirect_output() -> None:
    """What the script prints must never get among data."""
    sys.stdout.flush()
    os.dup2(2, 1)
    sys.stdout = sys.stderr


if __name__ == "__main__":
    status = main(sys.argv)
    sys.stderr.flush()
    # Threads of the script, and views of shared memory, must not delay the end.
    os._exit(status)
