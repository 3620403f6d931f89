"""What all packets share: named fields, any further ones as attributes, and their way back into a stream."""

import json
from typing import Any, ClassVar, Dict, Mapping, Sequence, Tuple, Type

from ..event import Frame, StreamData, frame_bytes


class Packet:
    """
    Fields by name. ``required`` must be given and have one of the types; ``fixed`` have one value, or one of several; everything else is
    taken as it is.

    :raises ValueError: for a field that is missing, or has another type or value
    """

    typ: ClassVar[str] = ""
    required: ClassVar[Mapping[str, Tuple[type, ...]]] = {}
    fixed: ClassVar[Mapping[str, Tuple[Any, ...]]] = {}

    def __init__(self, **fields: Any) -> None:
        name = type(self).__name__
        for key, types in self.required.items():
            if key not in fields or not isinstance(fields[key], types) or isinstance(fields[key], bool):
                raise ValueError("%s: %s is %r" % (name, key, fields.get(key)))
        for key, values in self.fixed.items():
            if fields.setdefault(key, values[0]) not in values:
                raise ValueError("%s: %s is %r" % (name, key, fields[key]))
        self.__dict__.update(fields)

    def model_dump(self) -> Dict[str, Any]:
        """All fields, as a dictionary."""
        return dict(self.__dict__)

    def model_dump_json(self) -> str:
        return json.dumps(self.header(), default=str)

    def header(self) -> Dict[str, Any]:
        """The fields that stand in part 0 of the message; others came behind it."""
        return {key: value for key, value in self.__dict__.items() if key not in ("data", "meta")}

    def to_stream_data(self) -> StreamData:
        return StreamData(self.typ, [Frame(self.model_dump_json().encode())] + self.parts())

    def parts(self) -> Sequence[Any]:
        """Parts behind part 0."""
        return []

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        return "%s(%s)" % (type(self).__name__, ", ".join("%s=%r" % item for item in self.__dict__.items()))


def read_json(frame: Any) -> Any:
    """:raises ValueError: if it is no JSON"""
    return json.loads(frame_bytes(frame))


def expect(data: StreamData, typ: str, least: int = 1) -> None:
    """:raises AssertionError: for a stream of another kind, or with too few parts"""
    assert data.typ == typ, "a stream of typ %s, not %s" % (data.typ, typ)
    assert data.length >= least, "%d parts, not %d" % (data.length, least)


def packet_of(fields: Any, key: str, kinds: Mapping[Any, Type[Packet]]) -> Any:
    """:raises ValueError: for fields of no kind"""
    if not isinstance(fields, dict) or fields.get(key) not in kinds:
        raise ValueError("no packet: %r" % (fields.get(key) if isinstance(fields, dict) else fields,))
    return kinds[fields[key]](**fields)
