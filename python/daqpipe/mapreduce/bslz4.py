"""
Bit-shuffled LZ4 (spec mapreduce.md 7) in plain Python: for looking at single frames. It takes about a microsecond per byte; a worker that
decodes every frame uses a compiled decoder on ``frames[1]``.
"""

import struct
from typing import Any, List

_HEADER = struct.Struct(">QI")
_LENGTH = struct.Struct(">I")


class BadBlob(ValueError):
    """Bytes that are no such blob."""


def decode_lz4(block: Any, size: int) -> bytes:
    """One raw LZ4 block of exactly `size` bytes. :raises BadBlob"""
    data, at, out = memoryview(block), 0, bytearray()
    try:
        while True:
            token = data[at]
            at += 1
            count, at = _length(data, at, token >> 4)
            if count > len(data) - at or len(out) + count > size:
                raise BadBlob("literals run past the end")
            out += data[at:at + count]
            at += count
            if at == len(data):
                break
            offset = data[at] | data[at + 1] << 8
            at += 2
            count, at = _length(data, at, token & 15)
            count += 4
            if offset == 0 or offset > len(out) or len(out) + count > size:
                raise BadBlob("a match %d bytes back with %d bytes decoded" % (offset, len(out)))
            piece = bytes(out[-offset:][:count])
            out += (piece * (count // len(piece) + 1))[:count]
    except IndexError:
        raise BadBlob("the block is cut off") from None
    if len(out) != size:
        raise BadBlob("%d bytes decoded, %d announced" % (len(out), size))
    return bytes(out)


def _length(data: memoryview, at: int, count: int) -> Any:
    if count == 15:
        more = 255
        while more == 255:
            more = data[at]
            at += 1
            count += more
    return count, at


#: byte -> its bits, one byte each, the least significant first, as a little-endian number
_SPREAD = [sum((byte >> bit & 1) << 8 * bit for bit in range(8)) for byte in range(256)]


def _unshuffle(rows: bytes, elements: int, size: int) -> bytes:
    """Row 8 j + k holds bit k of byte j of every element."""
    row = elements // 8
    out = bytearray(elements * size)
    eights = struct.Struct("<Q")
    for j in range(size):
        planes: List[bytes] = [rows[(8 * j + k) * row:(8 * j + k + 1) * row] for k in range(8)]
        column = bytearray(elements)
        for group, eight in enumerate(zip(*planes)):
            word = 0
            for k, byte in enumerate(eight):
                word |= _SPREAD[byte] << k
            eights.pack_into(column, 8 * group, word)
        out[j::size] = column
    return bytes(out)


def decode(blob: Any, elements: int, size: int) -> bytes:
    """
    :param elements: how many, from the shape
    :param size: bytes of one
    :returns: the elements, little endian, in C order
    :raises BadBlob: for anything that is not exactly such a blob
    """
    data = memoryview(blob)
    if len(data) < _HEADER.size:
        raise BadBlob("a blob of %d bytes has no header" % len(data))
    total, block_bytes = _HEADER.unpack_from(data)
    if total != elements * size:
        raise BadBlob("the blob announces %d bytes, shape and type %d" % (total, elements * size))
    if block_bytes == 0 or block_bytes % (8 * size) != 0:
        raise BadBlob("blocks of %d bytes do not hold eights of %d bytes" % (block_bytes, size))
    pieces, at, left = [], _HEADER.size, elements
    while left >= 8:
        count = min(block_bytes // size, left & ~7)
        if len(data) - at < _LENGTH.size:
            raise BadBlob("the blob ends before a block")
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if length > len(data) - at:
            raise BadBlob("a block runs past the end of the blob")
        pieces.append(_unshuffle(decode_lz4(data[at:at + length], count * size), count, size))
        at += length
        left -= count
    if len(data) - at != left * size:
        raise BadBlob("%d bytes follow the blocks, not %d" % (len(data) - at, left * size))
    pieces.append(bytes(data[at:]))
    return b"".join(pieces)
