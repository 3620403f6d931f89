"""Trigger primitives: the self-describing frame around a dictionary."""

import json
import struct
from typing import Any, Mapping

from .errors import BadValue

_HEADER = struct.Struct("<4sBBHI")
_JSON = 1


def encode_primitive(data: Any) -> bytes:
    """
    What goes to the trigger event builder: bytes as they are; a dictionary as JSON behind the 12-byte header ``TPRM``, codec,
    version, schema, length. Numbers and arrays of numpy become numbers and lists.

    :raises BadValue: if it is neither, or holds something that JSON cannot say
    """
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data)
    if not isinstance(data, Mapping):
        raise BadValue("trigger data must be bytes or a dictionary, not %s" % type(data).__name__)
    try:
        text = json.dumps(dict(data), default=_plain, separators=(",", ":"), allow_nan=False).encode()
    except (TypeError, ValueError) as error:
        raise BadValue("trigger data cannot be written as JSON: %s" % error) from None
    return _HEADER.pack(b"TPRM", _JSON, 0, 0, len(text)) + text


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError("%s is neither number, text, list nor dictionary" % type(value).__name__)
