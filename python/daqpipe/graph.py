"""User code of graphs: ``python -m daqpipe.graph QUESTION ANSWER ASKED ANSWERED``, started by the graph commands (docs/graph.md).

Questions and answers are frames in two files whose descriptors are given; two counters say when there is one. Nothing is kept between
two questions but the code: states come with the question and go back with the answer.
"""

import hashlib
import json
import math
import mmap
import os
import select
import struct
import sys
import types
from array import array
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

try:
    import numpy
except ImportError:
    numpy = None

_PAGE = 4096
_ALIGN = 8
_MAX_WHOLE = 2**53
_MAX_TEXT = 2000

#: name on the wire -> format of struct and memoryview
_FORMATS = {"f64": "d", "f32": "f", "i8": "b", "u8": "B", "i16": "h", "u16": "H", "i32": "i", "u32": "I"}
_DTYPES = {
    "float64": "f64",
    "float32": "f32",
    "int8": "i8",
    "uint8": "u8",
    "int16": "i16",
    "uint16": "u16",
    "int32": "i32",
    "uint32": "u32",
    # 64-bit integers travel as doubles, which hold them up to 2^53.
    "int64": "f64",
    "uint64": "f64",
}
_DTYPE_OF_FORMAT = {_FORMATS[name]: dtype for dtype, name in _DTYPES.items() if dtype not in ("int64", "uint64")}
_DTYPE_OF_FORMAT.update({"l": "int64", "L": "uint64", "q": "int64", "Q": "uint64"})
_ODD = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf, "-0": -0.0, "nothing": None}


class Decoder:
    """Values of a frame. ``writable`` arrays are copies: states are changed in place by user code."""

    def __init__(self, frame: memoryview) -> None:
        (length,) = struct.unpack_from("<I", frame, 0)
        envelope = json.loads(bytes(frame[4 : 4 + length]))
        start = _aligned(4 + length)
        self.body = envelope["body"]
        self._buffers = [frame[start + at : start + at + size] for at, size in envelope["buffers"]]

    def value(self, plain: Any, writable: bool) -> Any:
        if isinstance(plain, list):
            return [self.value(item, writable) for item in plain]
        if not isinstance(plain, dict):
            return plain
        if "$n" in plain:
            return _ODD[plain["$n"]]
        if "$b" in plain:
            return self._array(plain, None, None, writable)
        if "$m" in plain or "$o" in plain:
            pairs = plain.get("$m", plain.get("$o"))
            return {key: self.value(item, writable) for key, item in pairs}
        if len(plain) == 3 and "shape" in plain and "dtype" in plain and "$b" in plain.get("data", ()):
            return self._array(plain["data"], plain["dtype"], plain["shape"], writable)
        return {key: self.value(item, writable) for key, item in plain.items()}

    def _array(self, plain: Dict[str, Any], dtype: Optional[str], shape: Optional[List[int]], writable: bool) -> Any:
        code = _FORMATS[plain["t"]]
        data = self._buffers[plain["$b"]]
        if numpy is not None:
            kind = numpy.dtype(code).newbyteorder("<")
            made = numpy.frombuffer(data, dtype=kind) if len(data) > 0 else numpy.empty(0, kind)
            if dtype in ("int64", "uint64"):
                made = made.astype(dtype)
            elif writable:
                made = made.copy()
            return made if shape is None else made.reshape(shape)
        if writable or dtype in ("int64", "uint64"):
            flat = array(code)
            flat.frombytes(bytes(data))
            if dtype in ("int64", "uint64"):
                flat = array("q" if dtype == "int64" else "Q", [int(x) for x in flat])
            if shape is None or len(shape) == 1:
                return flat
            return memoryview(flat).cast("B").cast(flat.typecode, shape)
        flat_view = data.cast(code)
        return flat_view if shape is None or len(shape) == 1 else data.cast(code, shape)


class Encoder:
    """Values as JSON, with arrays laid aside."""

    def __init__(self) -> None:
        self.buffers: List[Any] = []

    def plain(self, value: Any, depth: int = 0) -> Any:
        kind = type(value)
        if value is None:
            return {"$n": "nothing"}
        if kind is bool or kind is str:
            return value
        if kind is int:
            if abs(value) > _MAX_WHOLE:
                raise ValueError("%d is beyond 2^53: a number of a graph cannot hold it" % value)
            return value
        if kind is float:
            return value if math.isfinite(value) and (value != 0 or math.copysign(1, value) > 0) else {"$n": _odd(value)}
        if depth > 64:
            raise ValueError("a value nested deeper than 64")
        if isinstance(value, dict):
            return {"$m": [[self._key(key), self.plain(item, depth + 1)] for key, item in value.items()]}
        if isinstance(value, (list, tuple)):
            return [self.plain(item, depth + 1) for item in value]
        if numpy is not None and isinstance(value, (numpy.ndarray, numpy.generic)):
            return self._numpy(value, depth)
        if isinstance(value, (array, memoryview)):
            return self._memory(memoryview(value))
        if isinstance(value, (int, float)):
            return self.plain(int(value) if isinstance(value, int) else float(value), depth)
        raise TypeError("a %s cannot travel; numbers, strings, lists, dicts and arrays can" % kind.__name__)

    def _key(self, key: Any) -> Any:
        if numpy is not None and isinstance(key, numpy.generic):
            key = key.item()
        if isinstance(key, bool) or not isinstance(key, (int, float, str)):
            raise TypeError("a key is a string or a number, not a %s" % type(key).__name__)
        if isinstance(key, float) and not math.isfinite(key):
            raise ValueError("%r cannot be a key" % key)
        return key

    def _numpy(self, value: Any, depth: int) -> Any:
        if value.ndim == 0:
            return self.plain(value.item(), depth)
        dtype = "uint8" if value.dtype == bool else value.dtype.name
        if dtype == "float16":
            dtype = "float32"
        if dtype not in _DTYPES:
            raise TypeError("an array of %s cannot travel" % value.dtype)
        code = _FORMATS[_DTYPES[dtype]]
        data = numpy.ascontiguousarray(value, dtype=numpy.dtype(code).newbyteorder("<"))
        return self._lay_aside(dtype, list(value.shape), memoryview(data).cast("B") if data.size else b"")

    def _memory(self, value: memoryview) -> Any:
        dtype = _DTYPE_OF_FORMAT.get(value.format)
        if dtype is None:
            raise TypeError("an array of format %r cannot travel" % value.format)
        shape = list(value.shape or (len(value),))
        if dtype in ("int64", "uint64"):
            value = memoryview(array("d", value.cast("B").cast(value.format)))
        return self._lay_aside(dtype, shape, value.cast("B") if value.nbytes else b"")

    def _lay_aside(self, dtype: str, shape: List[int], data: Any) -> Dict[str, Any]:
        self.buffers.append(data)
        return {"dtype": dtype, "shape": shape, "data": {"$b": len(self.buffers) - 1, "t": _DTYPES[dtype]}}

    def frame(self, body: Any) -> List[Any]:
        """Pieces of the frame, in order."""
        places, at = [], 0
        for data in self.buffers:
            places.append([at, len(data)])
            at = _aligned(at + len(data))
        header = json.dumps({"body": body, "buffers": places}, separators=(",", ":"), allow_nan=False).encode()
        start = _aligned(4 + len(header))
        pieces: List[Any] = [struct.pack("<I", len(header)), header, bytes(start - 4 - len(header))]
        for data in self.buffers:
            pieces += [data, bytes(_aligned(len(data)) - len(data))]
        return pieces


class Code:
    """One piece of user code and the parameters of its node."""

    def __init__(self, module: types.ModuleType, name: str, kind: str, parameters: Dict[str, Any]) -> None:
        self._path = module.__file__
        self._parameters = parameters
        found = getattr(module, name, None)
        if found is None:
            raise AttributeError("there is no %s in it" % name)
        made = found() if isinstance(found, type) else found
        if kind == "map":
            self._map = made.map if hasattr(made, "map") else made
            if not callable(self._map):
                raise TypeError("%s is no function map(inputs, info)" % name)
            self.facts: Dict[str, Any] = {}
            return
        missing = [method for method in ("init", "add", "merge", "output") if not callable(getattr(made, method, None))]
        if missing:
            raise TypeError("%s has no method %s" % (name, ", ".join(missing)))
        self._code = made
        transition = getattr(made, "transition", None)
        self.facts = {"ports": list(getattr(made, "ports", ())), "transition": callable(transition)}

    def map(self, rows: "Rows", begin: Callable[[int], None]) -> Dict[str, Any]:
        results: List[Any] = []
        failures = []
        for number, (inputs, info) in enumerate(rows):
            begin(number)
            encoder = rows.encoder
            laid = len(encoder.buffers)
            try:
                results.append(encoder.plain(self._map(inputs, info)))
            except Exception as error:
                del encoder.buffers[laid:]
                results.append(None)
                failures.append([number, self.describe(error)])
        return {"results": results, "failures": failures}

    def add(self, state: Any, rows: "Rows", begin: Callable[[int], None]) -> Dict[str, Any]:
        failures = []
        for number, (inputs, info) in enumerate(rows):
            begin(number)
            try:
                if state is None:
                    state = self._something(self._code.init(self._parameters), "init")
                state = self._something(self._code.add(state, inputs, info), "add")
            except Exception as error:
                failures.append([number, self.describe(error)])
        return {"state": rows.encoder.plain(state), "failures": failures}

    def merge(self, a: Any, b: Any) -> Any:
        return self._something(self._code.merge(a, b), "merge")

    def output(self, state: Any) -> Any:
        return self._code.output(state)

    def transition(self, state: Any, name: str) -> Any:
        return self._something(self._code.transition(state, name), "transition")

    @staticmethod
    def _something(state: Any, method: str) -> Any:
        if state is None:
            raise ValueError("%s returned nothing; it returns the new state" % method)
        return state

    def describe(self, error: BaseException) -> str:
        """One line, with the line of the user's file."""
        line, step = None, error.__traceback__
        while step is not None:
            if step.tb_frame.f_code.co_filename == self._path:
                line = step.tb_lineno
            step = step.tb_next
        text = "%s: %s" % (type(error).__name__, error)
        place = " (%s, line %d)" % (os.path.basename(self._path or "?"), line) if line is not None else ""
        return text.replace("\n", " ")[:_MAX_TEXT] + place


class Rows:
    """Inputs by role and info, event by event."""

    def __init__(self, decoder: Decoder, encoder: Encoder) -> None:
        self.encoder = encoder
        body = decoder.body
        self._decoder = decoder
        self._roles: Sequence[str] = body["roles"]
        self._rows: List[List[Any]] = body["rows"]
        self._events: List[int] = body["events"]
        self._info = {"heartbeat": body["heartbeat"], "worker": body["worker"]}

    def __iter__(self) -> Any:
        value = self._decoder.value
        for row, event in zip(self._rows, self._events):
            inputs = {role: value(item, False) for role, item in zip(self._roles, row)}
            yield inputs, {"event": event, **self._info}


class Server:
    def __init__(self, begin: Callable[[int], None]) -> None:
        self._begin = begin
        self._codes: Dict[int, Code] = {}
        self._modules: Dict[Tuple[str, str], types.ModuleType] = {}

    def answer(self, frame: memoryview) -> List[Any]:
        """Pieces of the answer's frame. What user code raises is part of the answer."""
        decoder = Decoder(frame)
        encoder = Encoder()
        body = decoder.body
        code = self._codes.get(body["code"])
        try:
            return encoder.frame(self._do(body, code, decoder, encoder))
        except Exception as error:
            text = code.describe(error) if code is not None else "%s: %s" % (type(error).__name__, error)
            return Encoder().frame({"error": text})

    def _do(self, body: Dict[str, Any], code: Optional[Code], decoder: Decoder, encoder: Encoder) -> Any:
        def state(name: str) -> Any:
            return decoder.value(body[name], True)

        do = body["do"]
        if do == "load":
            made = Code(self._module(body["path"], body["sha256"]), body["name"], body["kind"], decoder.value(body["parameters"], True))
            self._codes[body["code"]] = made
            return made.facts
        if code is None:
            raise KeyError("code %r has not been loaded" % body["code"])
        if do == "map":
            return code.map(Rows(decoder, encoder), self._begin)
        if do == "add":
            return code.add(state("state"), Rows(decoder, encoder), self._begin)
        if do == "merge":
            return {"state": encoder.plain(code.merge(state("a"), state("b")))}
        if do == "output":
            return {"output": encoder.plain(code.output(state("state")))}
        if do == "transition":
            return {"state": encoder.plain(code.transition(state("state"), body["name"]))}
        raise ValueError("there is no question %r" % do)

    def _module(self, path: str, sha256: str) -> types.ModuleType:
        """The file as the graph means it: what was read is what was compared, and what runs."""
        key = (path, sha256)
        if key not in self._modules:
            with open(path, "rb") as file:
                source = file.read()
            if hashlib.sha256(source).hexdigest() != sha256:
                raise ValueError("the file has changed since it was loaded")
            module = types.ModuleType(os.path.splitext(os.path.basename(path))[0])
            module.__file__ = path
            folder = os.path.dirname(path)
            if folder not in sys.path:
                sys.path.append(folder)
            exec(compile(source, path, "exec"), module.__dict__)
            self._modules[key] = module
        return self._modules[key]


def _aligned(at: int) -> int:
    return (at + _ALIGN - 1) // _ALIGN * _ALIGN


def _odd(value: float) -> str:
    if math.isnan(value):
        return "nan"
    return "-0" if value == 0 else "inf" if value > 0 else "-inf"


def _read(descriptor: int, at: int, size: int) -> memoryview:
    data = bytearray(size)
    view = memoryview(data)
    done = 0
    while done < size:
        got = os.preadv(descriptor, [view[done:]], at + done)
        if got == 0:
            raise EOFError("a question that is cut off")
        done += got
    return view.toreadonly()


def _write(descriptor: int, pieces: Sequence[Any], at: int) -> int:
    """:returns: bytes"""
    start = at
    for piece in pieces:
        view = memoryview(piece)
        while len(view) > 0:
            done = os.pwrite(descriptor, view, at)
            view = view[done:]
            at += done
    return at - start


def main(argv: Sequence[str]) -> None:
    question, answer, asked, answered = (int(word) for word in argv)
    os.ftruncate(answer, _PAGE)
    head = mmap.mmap(answer, _PAGE)
    begun = struct.Struct("<Q")
    server = Server(lambda row: begun.pack_into(head, 8, row + 1))
    waiting = select.poll()
    waiting.register(asked, select.POLLIN)
    while True:
        waiting.poll()
        try:
            os.read(asked, 8)
        except BlockingIOError:
            continue
        begun.pack_into(head, 8, 0)
        (size,) = begun.unpack(_read(question, 0, 8))
        pieces = server.answer(_read(question, _PAGE, size))
        begun.pack_into(head, 0, _write(answer, pieces, _PAGE))
        os.write(answered, struct.pack("=Q", 1))


if __name__ == "__main__":
    main(sys.argv[1:])
