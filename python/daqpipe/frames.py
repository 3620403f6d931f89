"""Constants in the form in which they are published: the frames of one message, ``calib/1``, header and blobs (docs/calib.md)."""

import hashlib
import json
import math
import mmap
import os
import stat
import struct
from typing import Any, Callable, Dict, List, Mapping, Optional, Sequence

from .constants import Constant, Constants, DetectorConstants, Source, no_constants
from .errors import BadConstants
from .xtc.arrays import numpy, shaped_view
from .xtc.layout import ELEMENT_TYPES, ElementType

TOPIC = b"calib/1"
_VERSION = 1
_KINDS = ("ndarray", "str", "bytes")
_WORDS = ("|u1", "<u2", "<u4", "<u8", "|i1", "<i2", "<i4", "<i8", "<f4", "<f8")
_ELEMENTS: Dict[str, ElementType] = dict(zip(_WORDS, ELEMENT_TYPES[:10]), **{"|b1": ELEMENT_TYPES[0]})
_SET_MAGIC = b"calibset"
_SET_HEAD = struct.Struct("<8sQ")
_SET_ENTRY = struct.Struct("<QQ")


def read_frames(frames: Sequence[Any], memory: Optional[memoryview] = None, verify: bool = True) -> Constants:
    """
    The set in the frames of one message. Arrays are views of the frames, read-only if these are.

    :param memory: the shared segment that the header names, if it is mapped already; else it is mapped here
    :param verify: compare the sha256 of every blob
    :raises BadConstants: saying what is wrong. Nothing of such a message may be used
    :raises FileNotFoundError: if the shared segment is gone: a newer set is under way
    """
    if len(frames) < 2 or bytes(frames[0]) != TOPIC:
        raise BadConstants("a message that does not begin with calib/1")
    header = _object(_json(frames[1]), "the header")
    if header.get("v") != _VERSION:
        raise BadConstants("version %r of the header; this program reads version %d" % (header.get("v"), _VERSION))
    blobs = [memoryview(frame).cast("B") if len(frame) else memoryview(b"") for frame in frames[2:]]
    shared = header.get("shm")
    if shared is not None and memory is None:
        memory = map_segment(_object(shared, "shm"))
    detectors: Dict[str, DetectorConstants] = {}
    for name, detector in _object(header.get("detectors"), "detectors").items():
        makers: Dict[str, Callable[[], Constant]] = {}
        for ctype, constant in _object(_object(detector, name).get("constants"), name + " constants").items():
            place = "%s %s" % (name, ctype)
            described = _object(constant, place)
            if described.get("kind") in _KINDS:
                makers[ctype] = _maker(place, described, _contents(place, described, blobs, memory, verify))
        detectors[name] = DetectorConstants(name, makers, str(detector.get("id", "")))
    return Constants(detectors, _source(header))


def _json(frame: Any) -> Any:
    try:
        return json.loads(bytes(frame).decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise BadConstants("the header is no JSON: %s" % error) from None


def _object(value: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise BadConstants("%s is no object" % what)
    return value


def _source(header: Mapping[str, Any]) -> Source:
    exp, run, origin, seq, digest = (header.get(key) for key in ("exp", "run", "origin", "seq", "hash"))
    if not (exp is None or isinstance(exp, str)) or not (_is_count(run) and _is_count(seq)):
        raise BadConstants("exp %r, run %r, seq %r: not a text and two numbers" % (exp, run, seq))
    if not isinstance(origin, str) or not isinstance(digest, str):
        raise BadConstants("origin %r, hash %r: not two texts" % (origin, digest))
    return Source(exp, run, origin, seq, header.get("stale") is True, digest)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _contents(place: str, described: Mapping[str, Any], blobs: List[memoryview], memory: Optional[memoryview],
              verify: bool) -> memoryview:
    """The bytes of a constant, as many as it should have."""
    size, index, offset = described.get("bytes"), described.get("blob"), described.get("offset")
    if not _is_count(size):
        raise BadConstants("%s has %r bytes" % (place, size))
    if memory is not None:
        if not _is_count(offset) or offset + size > len(memory):
            raise BadConstants("%s: %d bytes at %r do not lie in the segment of %d" % (place, size, offset, len(memory)))
        contents = memory[offset:offset + size]
    else:
        if not _is_count(index) or index >= len(blobs):
            raise BadConstants("%s: there is no blob %r, there are %d" % (place, index, len(blobs)))
        contents = blobs[index]
    if len(contents) != size:
        raise BadConstants("%s has %d bytes; the header says %d" % (place, len(contents), size))
    if described["kind"] == "ndarray":
        _check_shape(place, described, size)
    if verify and hashlib.sha256(contents).hexdigest() != described.get("sha256"):
        raise BadConstants("%s: its contents have another sha256 than the header says" % place)
    return contents


def _check_shape(place: str, described: Mapping[str, Any], size: int) -> None:
    dtype, shape = described.get("dtype"), described.get("shape")
    element = _ELEMENTS.get(dtype) if isinstance(dtype, str) else None
    if element is None or not isinstance(shape, list) or not all(_is_count(n) for n in shape):
        raise BadConstants("%s: dtype %r, shape %r" % (place, dtype, shape))
    needed = math.prod(shape) * element.size
    if needed != size:
        raise BadConstants("%s: shape %s of %s needs %d bytes and has %d" % (place, shape, dtype, needed, size))


def _maker(place: str, described: Mapping[str, Any], contents: memoryview) -> Callable[[], Constant]:
    kind, doc = described["kind"], dict(_object(described.get("doc", {}), place + " doc"))
    if kind == "bytes":
        return lambda: (bytes(contents), doc)
    if kind == "str":
        return lambda: (_text(place, contents), doc)
    dtype, shape = described["dtype"], tuple(described["shape"])
    if numpy is not None:
        return lambda: (numpy.ndarray(shape, dtype, contents), doc)
    return lambda: (shaped_view(contents, 0, _ELEMENTS[dtype], shape), doc)


def _text(place: str, contents: memoryview) -> str:
    try:
        return bytes(contents).decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadConstants("%s is no UTF-8: %s" % (place, error)) from None


def map_file(path: str) -> memoryview:
    """A whole file, mapped read-only. It stays as long as somebody looks at it, whatever becomes of the file."""
    with open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        return memoryview(mmap.mmap(file.fileno(), size, prot=mmap.PROT_READ)) if size else memoryview(b"")


def map_segment(shared: Mapping[str, Any]) -> memoryview:
    """The POSIX segment that a header names. :raises BadConstants: if others could have written it"""
    name, size = shared.get("name"), shared.get("bytes")
    if not isinstance(name, str) or not name.startswith("/") or "/" in name[1:] or name in ("/.", "/.."):
        raise BadConstants("%r is no name of a shared segment" % (name,))
    path = "/dev/shm" + name
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_uid not in (os.geteuid(), 0) or status.st_mode & 0o022:
        raise BadConstants("the segment %s can be written by others" % name)
    memory = map_file(path)
    if not _is_count(size) or len(memory) < size:
        raise BadConstants("the segment %s has %d bytes; the header says %r" % (name, len(memory), size))
    return memory


def open_set(path: str, segment: Optional[str] = None) -> Constants:
    """
    A set that drp-python put into a file: the frames of the message and where they lie, checked by it before.

    :param segment: file of the publisher's segment, if the blobs are there
    """
    memory = map_file(path)
    magic, count = _SET_HEAD.unpack_from(memory) if len(memory) >= _SET_HEAD.size else (b"", 0)
    if magic != _SET_MAGIC:
        raise BadConstants("%s is no set of constants" % path)
    table = memory[_SET_HEAD.size:_SET_HEAD.size + count * _SET_ENTRY.size]
    frames = [memory[at:at + size] for at, size in _SET_ENTRY.iter_unpack(table)]
    return read_frames(frames, map_file(segment) if segment is not None else None, verify=False)


def constants_told(text: bytes) -> Constants:
    """The constants of a run as drp-python tells its workers of them (docs/drp-python.md)."""
    told = _object(_json(text), "what drp-python says about constants")
    return no_constants(str(told["none"])) if "none" in told else open_set(told["set"], told.get("segment"))
