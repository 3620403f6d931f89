"""What drp-python tells a worker when it starts it."""

import json
from typing import Any, List, Mapping, NamedTuple, Optional


class Settings(NamedTuple):
    """The one argument of ``python -m daqpipe.worker``; the names in JSON are the same in camel case."""

    transport: str
    script: str
    args: List[str]
    slots: int
    slot_bytes: int
    pebble: int
    """Limit in bytes of results of L1Accepts."""
    transition: int
    """Limit in bytes of all other results."""
    in_queue: int = -1
    res_queue: int = -1
    in_segment: int = -1
    res_segment: int = -1
    partition: int = 0
    det_name: str = ""
    det_type: str = ""
    det_id: str = ""
    segment: int = 0
    worker: int = 0
    workers: int = 1
    instrument: str = ""
    generation: int = 0
    parent_pid: int = 0
    trigger_bytes: int = 0
    """Limit of trigger data; 0: there is no trigger output."""
    raw: str = "script"
    oversize: str = "abort"
    allow_drop: bool = False
    constants: Optional[str] = None
    verbose: int = 0


_KEYS = {
    "inQueue": "in_queue", "resQueue": "res_queue", "inSegment": "in_segment", "resSegment": "res_segment", "slotBytes": "slot_bytes",
    "detName": "det_name", "detType": "det_type", "detId": "det_id", "parentPid": "parent_pid", "triggerBytes": "trigger_bytes",
    "allowDrop": "allow_drop",
}


def read_settings(text: str) -> Settings:
    """:raises ValueError: if it is no JSON object with the keys that are needed"""
    given: Mapping[str, Any] = json.loads(text)
    if not isinstance(given, dict):
        raise ValueError("the argument is no JSON object")
    known = {_KEYS.get(key, key): value for key, value in given.items()}
    missing = [key for key in Settings._fields if key not in known and key not in Settings._field_defaults]
    if missing:
        raise ValueError("the argument lacks " + ", ".join(missing))
    settings = Settings(**{key: value for key, value in known.items() if key in Settings._fields})
    if settings.transport not in ("sysv", "pipe"):
        raise ValueError("transport %r is none of sysv, pipe" % (settings.transport,))
    return settings
