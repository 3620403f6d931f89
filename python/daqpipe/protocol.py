"""Messages and slots between drp-python and its workers, byte for byte."""

import struct
from typing import NamedTuple, Optional

MAGIC = 0xD4A9
MESSAGE = struct.Struct("<HBBIIHHII")
MESSAGE_SIZE = 24

SCRIPT, DGRAMS, STOP = 1, 2, 3
HELLO, READY, RESULTS, STOPPED, ERROR = 16, 17, 18, 19, 20

SEGMENT_HEADER = 4096
SEGMENT = struct.Struct("<4sIII")
SEGMENT_MAGIC = b"DPYS"
LAYOUT_VERSION = 1
ERROR_TEXT = 64

MAX_PER_SLOT = 64
INPUT_TABLE, INPUT_CONSTANTS, INPUT_PAYLOAD = 8, 776, 1024
"""At INPUT_CONSTANTS, for BeginRun: u32 length, JSON that says where the constants of the run are."""
INPUT_ENTRY = struct.Struct("<III")
"""offset, size, flags."""
KEEP_RAW, REPETITION = 1, 2

RESULT_TABLE, RESULT_PAYLOAD = 8, 2048
RESULT_ENTRY = struct.Struct("<IIHHIII")
"""offset, size, status, flags, trigger bytes, needed, constants: the first 32 bits of their hash, for BeginRun."""
RESULT_ENTRY_SIZE = 24
RESULT_CONSTANTS = 20
SAME, CHANGED, DROPPED, OVERSIZE = 0, 1, 2, 3
TRIGGER_TOO_LONG = 1
"""Flag of a result: there was trigger data above the limit, none is sent."""


class Message(NamedTuple):
    """One message."""

    type: int
    flags: int
    sequence: int
    generation: int
    slot: int
    count: int
    bytes: int
    micros: int


def decode(data: bytes) -> Optional[Message]:
    """The message, or None if its length or magic is wrong."""
    if len(data) != MESSAGE_SIZE:
        return None
    magic, *fields = MESSAGE.unpack(data)
    return Message(*fields) if magic == MAGIC else None


def encode(type: int, generation: int, sequence: int = 0, slot: int = 0, count: int = 0, bytes: int = 0, micros: int = 0) -> bytes:
    """The 24 bytes of a message."""
    return MESSAGE.pack(MAGIC, type, 0, sequence, generation, slot, count, bytes, min(micros, 0xFFFFFFFF))
