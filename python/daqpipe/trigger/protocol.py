"""Frames between teb-decide and a decider, and the records in them, byte for byte (docs/trigger-python.md)."""

from struct import Struct

MAGIC = b"TDF1"
FRAME = Struct("<4sBBHIII")
"""Magic, kind, flags, count, payload bytes, sequence of the process, frame number."""

HELLO, CONFIGURE, EVENTS, STOP = 1, 2, 3, 4
READY, OK, RESULTS, COUNTS, ERROR = 0x81, 0x82, 0x83, 0x84, 0x8F

MORE_FOLLOWS = 1
"""RESULTS: another RESULTS of the same EVENTS follows."""

ENTRY = Struct("<QHHI")
"""Of an event: pid, contributions, damage, bytes of the contributions behind it."""
RECORD = Struct("<QIIIIHHI")
"""Header of a contribution (EbDgram): pid word, nanoseconds, seconds, env, src, damage, type, extent."""
RESULT = Struct("<QII")
"""pid, data, status."""
FREE = Struct("<4I")
"""Free buffers per MEB, behind the events."""

PID_MASK = (1 << 56) - 1
SRC_MASK = (1 << 28) - 1
HEADER_BYTES = 12
"""An extent counts these and the payload."""

OK_STATUS, NO_RESULT, EXCEPTION, SECOND_RESULT, WRONG_VALUE = range(5)
PRIMITIVE_REJECTED = 0x100
"""Added to a status: a primitive of this event was of a wrong type, length or version."""

PERSIST = 2
ALL_MEBS = 15
MONITOR_SHIFT = 2
AUX_SHIFT = 8
KEEP_RAW = 1 << 22
"""Of env."""
