"""The process in which a user's class lives: how it begins and ends, whatever the class is."""

import os
import signal
import sys
from typing import Any, Callable, Dict, NoReturn, Tuple

from .. import worker as process
from . import alias
from .channel import Channel
from .running import describe

#: What to answer to the first question, and who takes those after it, until EOFError.
Begun = Tuple[Dict[str, Any], Callable[[Channel], None]]


def run(begin: Callable[[Dict[str, Any]], Begun]) -> NoReturn:
    """
    Takes questions on descriptor 3 and answers on descriptor 4 until the other side closes, and ends this process: with status 1 if
    the class cannot be had, which is the answer to the first question then.
    """
    status = _serve(begin)
    sys.stderr.flush()
    # Threads of the class must not delay the end.
    os._exit(status)


def _serve(begin: Callable[[Dict[str, Any]], Begun]) -> int:
    channel = Channel(3, 4)
    process.redirect_output()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        question, _ = channel.receive()
        same = {"id": question["id"]} if "id" in question else {}
        if question.get("alias"):
            alias.install()
        try:
            answer, serve = begin(question)
        except BaseException as error:
            channel.send({**same, "error": describe(error)})
            return 1
        channel.send({**same, **answer})
        serve(channel)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        pass
    return 0
