"""Self-describing primitives: what a source says as names and values, checked against what the script declared."""

import json
from binascii import crc_hqx
from struct import Struct
from typing import Any, Callable, Dict, Iterator, List, NamedTuple, Optional, Tuple

from ..errors import DaqpipeError
from ..xtc.contents import dgram_size, walk
from ..xtc.names import parse_names
from ..xtc.layout import XTC_SIZE
from ..xtc.shapesdata import open_block

HEADER = Struct("<4sBBHI")
"""TPRM, codec, version, schema, length of what follows."""
RAW, JSON, PICKLE, XTC = range(4)
MAGIC = b"TPRM"


class BadPrimitive(DaqpipeError, ValueError):
    """A primitive that cannot be used; it counts as missing."""


class BadVersion(BadPrimitive):
    """A version or schema that the script did not declare."""


class Declaration(NamedTuple):
    """What a script accepts from a source; empty tuples accept everything."""

    kind: Optional[str] = None
    versions: Tuple[int, ...] = ()
    schemas: Tuple[int, ...] = ()
    keys: Tuple[str, ...] = ()


EVERYTHING = Declaration()


class Prim:
    """
    Names and values of one source in one event. A missing key is never an exception unless the script asks with ``prim[key]``; it is
    counted by name.
    """

    __slots__ = ("version", "schema", "_values", "_missed")

    def __init__(self, values: Dict[str, Any], version: int = 0, schema: int = 0, missed: Callable[[str], None] = lambda key: None) -> None:
        self.version = version
        self.schema = schema
        self._values = values
        self._missed = missed

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or `default` if there is no such key."""
        try:
            return self._values[key]
        except KeyError:
            self._missed(key)
            return default

    def require(self, *keys: str) -> bool:
        """Whether all keys are there."""
        missing = [key for key in keys if key not in self._values]
        for key in missing:
            self._missed(key)
        return not missing

    def keys(self) -> Iterator[str]:
        """All names."""
        return iter(self._values)

    def __contains__(self, key: str) -> bool:
        return key in self._values

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __repr__(self) -> str:
        return "<Prim version %d %r>" % (self.version, self._values)


def decode(payload: bytes, declared: Declaration, allow_pickle: bool, missed: Callable[[str], None]) -> Any:
    """
    The :class:`Prim` of a frame; of codec 0 the bytes.

    :raises BadVersion: for a version or schema that was not declared
    :raises BadPrimitive: if it cannot be decoded, or is a pickle and pickles are not allowed
    """
    if len(payload) < HEADER.size:
        raise BadPrimitive("%d bytes are less than a header" % len(payload))
    _, codec, version, schema, length = HEADER.unpack_from(payload)
    if length != len(payload) - HEADER.size:
        raise BadPrimitive("%d bytes follow the header, which says %d" % (len(payload) - HEADER.size, length))
    if declared.versions and version not in declared.versions:
        raise BadVersion("version %d is none of %s" % (version, ", ".join(map(str, declared.versions))))
    if declared.schemas and schema not in declared.schemas:
        raise BadVersion("schema 0x%04x is none of %s" % (schema, ", ".join("0x%04x" % known for known in declared.schemas)))
    data = payload[HEADER.size:]
    if codec == RAW:
        return data
    values = _values(codec, data, allow_pickle)
    if not isinstance(values, dict):
        raise BadPrimitive("it holds %s, not names and values" % type(values).__name__)
    for key in declared.keys:
        if key not in values:
            missed(key)
    return Prim(values, version, schema, missed)


def _values(codec: int, data: bytes, allow_pickle: bool) -> Any:
    if codec == JSON:
        try:
            return json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadPrimitive("no JSON: %s" % error) from None
    if codec == PICKLE:
        if not allow_pickle:
            raise BadPrimitive("a pickle, which --allow-pickle would decode")
        import pickle
        try:
            return pickle.loads(data)
        except Exception as error:  # a pickle can raise anything
            raise BadPrimitive("no pickle: %s" % error) from None
    if codec == XTC:
        return _xtc(memoryview(data))
    raise BadPrimitive("codec %d is unknown" % codec)


def _xtc(view: memoryview) -> Dict[str, Any]:
    """The fields of a dgram that brings its own Names."""
    size = dgram_size(view, 0, len(view))
    if size != len(view):
        raise BadPrimitive("no dgram")
    found = walk(view, 0, size)
    if found.problem:
        raise BadPrimitive(found.problem)
    known = {}
    for id_, at, end in found.names:
        known[id_] = parse_names(view, at + XTC_SIZE, end, id_)
    values: Dict[str, Any] = {}
    for id_, at, end in found.blocks:
        names = known.get(id_)
        if names is None:
            raise BadPrimitive("data without Names")
        try:
            block = open_block(view, 0, at, end, names)
            for i, field in enumerate(names.fields):
                values[field.short_name] = block.value(view, 0, i)
        except DaqpipeError as error:
            raise BadPrimitive(str(error)) from None
    return values


def schema_number(fields: List[Tuple[str, str]]) -> int:
    """By convention: CRC-16/CCITT-FALSE of the text ``name:type,name:type``."""
    return crc_hqx(",".join("%s:%s" % field for field in fields).encode(), 0xFFFF)
