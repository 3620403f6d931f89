"""Handles: what ``cfg.add`` returns and ``evt.add`` takes."""

from typing import Any, Tuple

from .xtc.encode import Encoder
from .xtc.names import Names


class Handle:
    """An algorithm that the script described at Configure. It holds until the next Configure."""

    __slots__ = ("names", "encoder", "table")

    def __init__(self, names: Names, table: Any) -> None:
        self.names = names
        self.encoder = Encoder(names)
        self.table = table

    @property
    def fields(self) -> Tuple[str, ...]:
        """Names of the fields in the order in which they are stored."""
        return self.encoder.fields

    @property
    def names_id(self) -> int:
        """NamesId: node << 8 | number."""
        return self.names.id

    def __repr__(self) -> str:
        return "<%s, names id 0x%x: %s>" % (self.names, self.names.id, ", ".join(self.fields))
