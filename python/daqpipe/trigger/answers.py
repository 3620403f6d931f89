"""What a script returns, as the data word of a decision."""

from typing import Any

from .protocol import ALL_MEBS, AUX_SHIFT, MONITOR_SHIFT, PERSIST


class WrongAnswer(ValueError):
    """What the function returned is no decision."""


def encode(answer: Any) -> int:
    """The data word of a decision. :raises WrongAnswer: if it is none"""
    if answer is None:
        return PERSIST
    if answer is True or answer is False:
        return PERSIST if answer else 0
    if isinstance(answer, tuple) and 2 <= len(answer) <= 3:
        persist, monitor = answer[0], answer[1]
        aux = answer[2] if len(answer) == 3 else 0
        try:
            if persist in (True, False) and 0 <= aux.__index__() < 1 << 24:
                return (PERSIST if persist else 0) | (monitor.__index__() & ALL_MEBS) << MONITOR_SHIFT | aux.__index__() << AUX_SHIFT
        except (TypeError, AttributeError, ValueError):
            pass
    elif type(answer).__name__ in ("bool_", "bool"):  # numpy's own kind of bool
        return PERSIST if answer else 0
    raise WrongAnswer("decide returned %.80r; it may return bool, (persist, monitor), (persist, monitor, aux) or None" % (answer,))
