"""What worker and reducer have in common: the class, its context, its parameters, and how it is asked."""

import importlib
import inspect
import os
import sys
import traceback
from types import TracebackType
from typing import Any, Callable, Dict, List, Sequence

from .parameters import BY_DTYPE, ParameterBase, StrParameter
from .protocol import ReducerState, WorkerState, WorkParameter

_PACKAGE = os.path.dirname(os.path.abspath(__file__))


def load(path: str, needs: Sequence[str] = ()) -> Any:
    """
    ``module:Class``, or ``file.py:Class``. The working directory is on the import path.

    :param needs: names of methods, of which a class must have one
    :raises ValueError: for a path of another form
    :raises ImportError, AttributeError: if it is not there
    """
    module, _, name = path.rpartition(":")
    if not module or not name:
        raise ValueError("%r is not module:Class" % path)
    if module.endswith(".py"):
        folder, file = os.path.split(module)
        sys.path.insert(0, os.path.abspath(folder))
        module = file[:-3]
    elif os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (module + ".").startswith("%s." % error.name):
            # The name leads nowhere; how Python looked for it helps nobody.
            raise error.with_traceback(None)
        raise
    for part in name.split("."):
        found = getattr(found, part)
    # Its methods are called only if they are there, so a misspelt one would be a scan without results.
    if needs and inspect.isclass(found) and not any(hasattr(found, method) for method in needs):
        raise AttributeError("class %s has no method %s" % (name, " or ".join(needs)))
    return found


def _is_ours(step: TracebackType) -> bool:
    return step.tb_frame.f_code.co_filename.startswith((_PACKAGE, "<frozen importlib", importlib.__file__))


def describe(error: BaseException) -> Dict[str, Any]:
    """What was raised: one line, the place in the user's files, and the traceback from there; none for what :func:`load` does not find."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None and _is_ours(step):
        step = step.tb_next
    last, place = step, ""
    while last is not None:
        if not _is_ours(last):
            place = "%s:%d" % (last.tb_frame.f_code.co_filename, last.tb_lineno)
        last = last.tb_next
    text = " ".join(("%s: %s" % (type(error).__name__, error)).split())
    absent = step is not None and step.tb_frame.f_code is load.__code__
    lines = [] if absent else traceback.format_exception(type(error), error, step)
    return {"text": text[:2000], "place": place, "traceback": "".join(lines)[-8000:]}


def accepted(method: Callable[..., Any], arguments: Sequence[Any], named: Dict[str, Any]) -> Callable[..., Any]:
    """
    A call of `method` with as many of the arguments as it takes: classes written for other versions take fewer, in the same order.

    :returns: a function of all arguments
    """
    try:
        signature = inspect.signature(method)
        signature.bind(*arguments, **named)
        return method
    except (TypeError, ValueError):
        pass
    kinds = [parameter.kind for parameter in signature.parameters.values()]
    positional = sum(kind in (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD) for kind in kinds)
    takes_any = inspect.Parameter.VAR_KEYWORD in kinds
    names = set(signature.parameters)

    def call(*given: Any, **words: Any) -> Any:
        return method(*given[:positional], **{k: v for k, v in words.items() if takes_any or k in names})

    return call


_NEEDS: Dict[str, Sequence[str]] = {"worker": ("process_event",), "reducer": ("process_result", "timer")}


class Payload:
    """One user's class: objects of it come and go with the maps, its context stays."""

    def __init__(self, path: str, role: str) -> None:
        self.cls = load(path, _NEEDS.get(role, ()))
        self.role = role
        self.context: Dict[str, Any] = {}
        self.object: Any = None
        self.parameters: Dict[str, WorkParameter] = {}
        self._descriptions = self._describe()
        self._calls: Dict[str, Callable[..., Any]] = {}

    def _describe(self) -> Dict[str, ParameterBase]:
        describe_parameters = getattr(self.cls, "describe_parameters", None)
        found: List[ParameterBase] = list(describe_parameters()) if callable(describe_parameters) else []
        descriptions = {str(parameter.name): parameter for parameter in found}
        descriptions.setdefault("dump_prefix", StrParameter("dump_prefix", "recordings begin with this"))
        return descriptions

    @property
    def facts(self) -> Dict[str, Any]:
        return {
            "descriptions": [one.described() for one in self._descriptions.values()],
            "stateful": bool(getattr(self.cls, "stateful", False)),
            "accept_missing": bool(getattr(self.cls, "accept_missing", False)),
            "batch": callable(getattr(self.cls, "process_batch", None)),
            "timer": callable(getattr(self.cls, "timer", None)),
        }

    def set_parameters(self, names: Sequence[Sequence[str]], values: Sequence[memoryview]) -> None:
        parameters = {}
        for (name, uuid), data in zip(names, values):
            described = self._descriptions.get(name)
            kind = BY_DTYPE[described.dtype] if described is not None else ParameterBase
            parameters[name] = WorkParameter(name, bytes(data), kind.from_bytes(bytes(data)), uuid)
        for name, described in self._descriptions.items():
            if name not in parameters:
                parameters[name] = WorkParameter(name, described.to_bytes(described.default), described.default)
        self.parameters = parameters

    def begin(self, state: Dict[str, Any]) -> None:
        """A new object for a new map."""
        seen = (WorkerState if self.role == "worker" else ReducerState)(**state)
        self._calls = {}
        self.object = None
        words = {"parameters": self.parameters, "context": self.context, "state": seen}
        self.object = accepted(self.cls, (), words)(**words)

    def call(self, name: str, *arguments: Any, **words: Any) -> Any:
        """Calls a method of the user's. What it raises is the user's. :returns: None if there is no such method"""
        call = self._calls.get(name)
        if call is None:
            method = getattr(self.object, name, None)
            call = self._calls[name] = accepted(method, arguments, words) if callable(method) else _nothing
        return call(*arguments, **words)


def _nothing(*arguments: Any, **words: Any) -> None:
    return None
