"""New descriptions: checked before a byte is written, and encoded with every undefined byte zero."""

import re
from typing import Any, Iterable, List, Mapping, Sequence, Tuple

from ..errors import BadDefinition
from .layout import (
    CHARSTR, FIELD_ALG, FIELD_NAME, FIELD_RANK, FIELD_SIZE, FIELD_TYPE, FIELD_VERSION, INFO_ALG, INFO_ID, INFO_NAME,
    INFO_SEGMENT, INFO_SIZE, INFO_TYPE, INFO_VERSION, MAX_RANK, NAMES, TEXT_SIZE, TYPE_BY_NAME, XTC, XTC_SIZE, ElementType,
)
from .names import Field, Names, Version, make_field

_FIELD_NAME = re.compile(r"[0-9A-Za-z_.:]+\Z")
_DET_NAME = re.compile(r"[0-9A-Za-z_]+\Z")
_ALIASES = {"float": "float64", "double": "float64", "int": "int64", "string": "str", "string_": "str", "str_": "str"}


def element_type(spec: Any) -> ElementType:
    """
    The element type that `spec` means: ``"float32"``, ``"str"``, ``str``, ``int``, ``float``, ``numpy.uint16``, a numpy dtype.

    :raises BadDefinition: if it is none that a dgram can hold
    """
    name = spec if isinstance(spec, str) else getattr(spec, "name", None) or getattr(spec, "__name__", repr(spec))
    found = TYPE_BY_NAME.get(_ALIASES.get(name, name))
    if found is None or found.code > CHARSTR:
        raise BadDefinition("%r is no element type of a dgram; there are %s" % (spec, ", ".join(list(TYPE_BY_NAME)[:CHARSTR + 1])))
    return found


def new_fields(specs: Mapping[str, Any]) -> List[Field]:
    """
    Fields from ``{"sum": "float64", "hist": ("uint32", 1), "label": "str"}``; the order is the order in the dgram.

    :raises BadDefinition: naming the field and the rule
    """
    fields: List[Field] = []
    arrays = 0
    for name, spec in specs.items():
        given, rank = spec if isinstance(spec, (tuple, list)) and len(spec) == 2 else (spec, None)
        element = element_type(given)
        if rank is None:
            rank = 1 if element.code == CHARSTR else 0
        check_text(name, "field name")
        if not _FIELD_NAME.match(name):
            raise BadDefinition("field name %r is empty or has characters other than 0-9 A-Z a-z _ . :" % name)
        if not isinstance(rank, int) or not 0 <= rank <= MAX_RANK:
            raise BadDefinition("field %s has rank %r; possible are 0 to %d" % (name, rank, MAX_RANK))
        if element.code == CHARSTR and rank != 1:
            raise BadDefinition("field %s: a str has rank 1, not %d" % (name, rank))
        fields.append(make_field(len(fields), name, element.code, rank, arrays))
        arrays += rank > 0
    return fields


def check_text(text: str, what: str) -> None:
    """:raises BadDefinition: if the text does not fit its 256 bytes"""
    if not isinstance(text, str):
        raise BadDefinition("%s %r is no str" % (what, text))
    if "\0" in text:
        raise BadDefinition("%s %r contains a NUL character" % (what, text))
    length = len(text.encode())
    if length >= TEXT_SIZE:
        raise BadDefinition("%s %.40s... has %d bytes; at most %d fit" % (what, text, length, TEXT_SIZE - 1))


def check_detector(name: str) -> None:
    """:raises BadDefinition: if it can be no detector name"""
    check_text(name, "detector name")
    if not _DET_NAME.match(name):
        raise BadDefinition("detector name %r is empty or has characters other than 0-9 A-Z a-z _" % name)


def pack_version(version: Sequence[int]) -> int:
    """:raises BadDefinition: unless it is three numbers from 0 to 255"""
    if len(version) != 3 or not all(isinstance(part, int) and 0 <= part <= 255 for part in version):
        raise BadDefinition("version %r is not three numbers from 0 to 255" % (version,))
    major, minor, micro = version
    return major << 16 | minor << 8 | micro


def unpack_version(version: int) -> Version:
    return version >> 16 & 0xFF, version >> 8 & 0xFF, version & 0xFF


def names_block_size(fields: int) -> int:
    """Bytes of a Names block, header included."""
    return XTC_SIZE + INFO_SIZE + FIELD_SIZE * fields


def encode_names(names: Names) -> bytes:
    """The whole Names block."""
    size = names_block_size(len(names.fields))
    block = bytearray(size)
    XTC.pack_into(block, 0, names.id, 0, NAMES, size)
    info = XTC_SIZE
    _put(block, info, names.arrays)
    for at, text in ((INFO_TYPE, names.det_type), (INFO_NAME, names.det_name), (INFO_ID, names.det_id), (INFO_ALG, names.alg)):
        _text(block, info + at, text)
    _put(block, info + INFO_VERSION, names.version)
    _put(block, info + INFO_SEGMENT, names.segment)
    for at, field in zip(range(info + INFO_SIZE, size, FIELD_SIZE), names.fields):
        _text(block, at + FIELD_ALG, field.alg)
        _put(block, at + FIELD_VERSION, field.version)
        _text(block, at + FIELD_NAME, field.name)
        _put(block, at + FIELD_TYPE, field.code)
        _put(block, at + FIELD_RANK, field.rank)
    return bytes(block)


def _put(block: bytearray, at: int, number: int) -> None:
    block[at:at + 4] = number.to_bytes(4, "little")


def _text(block: bytearray, at: int, text: str) -> None:
    encoded = text.encode()
    block[at:at + len(encoded)] = encoded


def next_names_id(ids: Iterable[int], node: int) -> int:
    """
    NamesId for a new algorithm: 1 + the highest of the node's names numbers in the low range (nearer to 0 than to 255).

    :raises BadDefinition: if the low range of the node is full
    """
    low = [id & 0xFF for id in ids if id >> 8 == node and id & 0xFF < 128]
    number = max(low) + 1 if low else 0
    if number > 127:
        raise BadDefinition("node %d has no names id left in the low range: give names_id=" % node)
    return node << 8 | number


def check_names_id(id: int) -> Tuple[int, int]:
    """Node and names number. :raises BadDefinition: if one is out of range"""
    node, number = id >> 8, id & 0xFF
    if not 0 <= node <= 0xFFF:
        raise BadDefinition("node id %d is outside 0 to 4095" % node)
    return node, number
