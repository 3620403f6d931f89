"""Reading and writing XTC2 dgrams in memory, without copies: descriptions, blocks, fields."""

from .contents import Contents, dgram_size, walk
from .names import Field, Names, Placement
from .shapesdata import Enum, OpenBlock, open_block
from .table import Table

__all__ = ["Contents", "Enum", "Field", "Names", "OpenBlock", "Placement", "Table", "dgram_size", "open_block", "walk"]
