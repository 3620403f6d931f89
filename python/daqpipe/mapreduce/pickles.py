"""
Pickles run whatever their writer wants. So nothing here reads one unless the person who started the command said ``--accept-pickle``
(spec mapreduce.md 6.3).
"""

import pickle
from typing import Any


class PickleRefused(ValueError):
    """There is a pickle, and nobody has allowed reading it."""


accepted = False


def accept() -> None:
    """Called for ``--accept-pickle``, and by programs of one's own that trust their sources."""
    global accepted
    accepted = True


def loads(data: Any) -> Any:
    """:raises PickleRefused: unless pickles are accepted"""
    if not accepted:
        raise PickleRefused("this is a pickle; it is read only with --accept-pickle, which lets its sender run code here")
    return pickle.loads(data)


def dumps(value: Any) -> bytes:
    return pickle.dumps(value, protocol=4)
