"""
``python -u -m daqpipe.trigger.runner SCRIPT "-p 0" "-b p0_teb0"``: runs the script as ``python SCRIPT`` would, and then, if it has merely
defined ``decide`` or ``decide_batch``, calls ``run`` with it.
"""

import os
import sys
import types
from typing import List

from . import conversation
from .running import run


def main(words: List[str]) -> None:
    """Executes the script as ``__main__``. Whatever it raises ends the process, after teb-decide has been told."""
    if not words:
        sys.exit("usage: python -m daqpipe.trigger.runner SCRIPT [ARGUMENT ...]")
    path = words[0]
    sys.argv = words
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    module = types.ModuleType("__main__")
    module.__file__ = path
    sys.modules["__main__"] = module
    try:
        with open(path, "rb") as file:
            code = compile(file.read(), path, "exec")
        exec(code, module.__dict__)
        _run_functions(module, os.path.basename(path))
    except Exception:
        conversation.session()  # so that there is somebody to tell
        raise


def _run_functions(module: types.ModuleType, name: str) -> None:
    opened = conversation.opened()
    if opened is not None and opened.configured:
        return
    decide, batch = getattr(module, "decide", None), getattr(module, "decide_batch", None)
    if decide is None and batch is None:
        raise RuntimeError("%s neither defines decide(event) or decide_batch(events), nor has a loop over events" % name)
    if batch is not None:
        decide = None
    run(decide, batch, stateless=bool(getattr(module, "stateless", False)))


if __name__ == "__main__":
    main(sys.argv[1:])
