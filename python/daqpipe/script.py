"""Loading and running the user's script."""

import os
import sys
import traceback
import types
from importlib.util import find_spec
from typing import Any, Dict, List

from .errors import Misuse
from .functions import Functions
from .settings import Settings
from .stream import Ended, Stream

_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def run_cycle(stream: Stream, announce: bool) -> None:
    """Loads the script and works until its cycle is over. Whatever it raises is passed on."""
    settings = stream.settings
    stream.begin_cycle(announce)
    try:
        names = load(settings)
    except Ended:
        return
    if stream.pulled:
        stream.complete()
        if not stream.closed:
            raise Misuse("%s left its loop over the events before they had ended" % os.path.basename(settings.script))
        return
    functions = Functions(names, os.path.basename(settings.script))
    stream.ready()
    functions.serve(stream)


def load(settings: Settings) -> Dict[str, Any]:
    """Executes the script as ``__main__`` and returns its names."""
    path = settings.script
    with open(path, "rb") as file:
        code = compile(file.read(), path, "exec")
    module = types.ModuleType("__main__")
    module.__file__ = path
    module.__dict__.update(script_globals(settings))
    sys.modules["__main__"] = module
    sys.argv = [path] + settings.args
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    offer_psana()
    exec(code, module.__dict__)
    return module.__dict__


def offer_psana() -> None:
    """Scripts written for psana find our subset of it where the real one is not installed, or DAQPIPE_COMPAT=1 asks for it."""
    folder = os.path.join(_PACKAGE, "compat")
    if folder in sys.path:
        return
    if os.environ.get("DAQPIPE_COMPAT") == "1":
        sys.path.insert(1, folder)
    elif find_spec("psana") is None:
        sys.path.append(folder)


class DrpInfo:
    """What the reference's worker tells its scripts about themselves."""

    def __init__(self, settings: Settings) -> None:
        self.det_name = settings.det_name
        self.det_type = settings.det_type
        self.det_id = settings.det_id
        self.det_segment = settings.segment
        self.worker_num = settings.worker
        self.pebble_bufsize = settings.pebble
        self.transition_bufsize = settings.transition
        self.ipc_info = None
        self.is_supervisor = settings.worker == 0
        self.tcp_socket_name = ""
        self.ipc_socket_name = ""
        self.instrument = settings.instrument
        self.partition = settings.partition
        self.prom_cfg_dir = ""

    def __repr__(self) -> str:
        return "<drp_info %s_%d, worker %d>" % (self.det_name, self.det_segment, self.worker_num)


def script_globals(settings: Settings) -> Dict[str, Any]:
    """Names that a script finds without importing them."""
    info = DrpInfo(settings)
    found = {"drp_info": info, "detname": info.det_name, "dettype": info.det_type, "detid": info.det_id}
    for name in ("partition", "worker_num", "pebble_bufsize", "transition_bufsize", "is_supervisor", "instrument"):
        found[name] = getattr(info, name)
    found["detsegment"] = info.det_segment
    return found


def describe_failure(error: BaseException, place: str) -> str:
    """One line: what, where in the user's files, and in which dgram."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if not frame.filename.startswith(_PACKAGE)]
    where = "%s:%s" % (os.path.basename(own[-1].filename), own[-1].lineno) if own else ""
    if isinstance(error, SyntaxError) and error.filename:
        where = "%s:%s" % (os.path.basename(error.filename), error.lineno)
    if isinstance(error, SystemExit):
        text = "the script called exit(%s)" % ("" if error.code is None else error.code)
    else:
        text = "%s: %s" % (type(error).__name__, error)
    return " ".join(("%s (%s)" % (text, ", ".join(part for part in (where, place) if part))).split())


def print_failure(error: BaseException) -> None:
    """The traceback on stderr, from the user's first line on."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename.startswith(_PACKAGE) and frames.tb_next is not None:
        frames = frames.tb_next
    lines: List[str] = traceback.format_exception(type(error), error, frames or error.__traceback__)
    sys.stderr.write("".join(lines))
    sys.stderr.flush()
