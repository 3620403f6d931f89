"""
The two pipes to the command that started this process. A message is its head in JSON and any number of blobs, one behind the other:

    u32 bytes of the head, u32 number of blobs, u64 bytes of each blob, head, blobs        (little endian)

Heads are JSON because Python reads that without a loop of its own; what results and published values hold is CBOR (:mod:`.cbor`).
"""

import fcntl
import json
import math
import os
import struct
import time
from typing import Any, Dict, List, Sequence, Tuple

_FIXED = struct.Struct("<II")
_CHUNK = 1 << 20
_F_SETPIPE_SZ = 1031
_MAX_PIECES = 512
# Answers wait for each other this long, and no longer than until somebody waits for them.
_TOGETHER_SECONDS = 0.001
_TOGETHER_BYTES = 64 << 10


class Channel:
    def __init__(self, source: int, sink: int) -> None:
        self._source = source
        self._sink = sink
        self._waiting = b""
        self._answers: List[Any] = []
        self._bytes = 0
        self._since = 0.0
        for descriptor in (source, sink):
            try:
                fcntl.fcntl(descriptor, _F_SETPIPE_SZ, _CHUNK)
            except OSError:
                pass  # Not a pipe, or no more memory for pipes: smaller ones do.

    def _take(self, size: int) -> bytes:
        """:raises EOFError: if the other side has closed"""
        found = self._waiting
        if len(found) < size:
            pieces, have = [found], len(found)
            self.flush()
            while have < size:
                piece = os.read(self._source, _CHUNK)
                if not piece:
                    raise EOFError
                pieces.append(piece)
                have += len(piece)
            found = b"".join(pieces)
        self._waiting = found[size:] if len(found) > size else b""
        return found[:size] if len(found) > size else found

    def receive(self) -> Tuple[Dict[str, Any], List[memoryview]]:
        """:raises EOFError: if the other side has closed"""
        head_bytes, count = _FIXED.unpack(self._take(_FIXED.size))
        sizes = struct.unpack("<%dQ" % count, self._take(8 * count)) if count else ()
        body = memoryview(self._take(head_bytes + sum(sizes)))
        blobs, at = [], head_bytes
        for size in sizes:
            blobs.append(body[at:at + size])
            at += size
        return json.loads(bytes(body[:head_bytes])), blobs

    def send(self, head: Dict[str, Any], blobs: Sequence[bytes] = ()) -> None:
        self._put(head, blobs)
        self.flush()

    def send_soon(self, head: Dict[str, Any], blobs: Sequence[bytes] = (), seconds: float = 0.0) -> None:
        """
        Sends with what follows at once, if something does.

        :param seconds: how long the next one will take, as far as one can know
        """
        now = time.perf_counter()
        if not self._answers:
            self._since = now
        self._put(head, blobs)
        if self._bytes > _TOGETHER_BYTES or now - self._since + seconds > _TOGETHER_SECONDS:
            self.flush()

    def _put(self, head: Dict[str, Any], blobs: Sequence[bytes]) -> None:
        try:
            text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
        except ValueError:
            text = json.dumps(_finite(head), separators=(",", ":")).encode()
        start = _FIXED.pack(len(text), len(blobs)) + struct.pack("<%dQ" % len(blobs), *map(len, blobs)) + text
        self._answers += [start, *blobs]
        self._bytes += len(start) + sum(map(len, blobs))

    def flush(self) -> None:
        """Sends what waits."""
        pieces, self._answers, self._bytes = self._answers, [], 0
        while pieces:
            done = os.writev(self._sink, pieces[:_MAX_PIECES])
            while pieces and done >= len(pieces[0]):
                done -= len(pieces.pop(0))
            if pieces and done:
                pieces[0] = memoryview(pieces[0])[done:]


def _finite(value: Any) -> Any:
    """JSON has no word for what is no finite number."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, (list, tuple)) else value
