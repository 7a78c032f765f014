"""The part of a timing cache that is Myelin's: a device whose Myelin has no cuBLAS writes one that it cannot read.

Seen with TensorRT 8.5.3.1 on an H200 without cuBLAS. TensorRT then refuses all of the cache, the times of its own
tactics too, although that part holds nothing.
"""

from __future__ import annotations

_BEGINS, _NUMBER, _LIST = b"file_format_version=", b"\x08\x80\x01\x00", b"\x01\x80\x03\x80\x01\x00"
# Eight bytes of a magic word and eight of the kind of archive, then the length of what follows.
_HEADER_BYTES, _LENGTH_AT = 24, 16


def without_myelin(cache: bytes) -> bytes:
    """The cache with an empty list in the place of that part; as it is where it is not laid out as in 8.5.

    The last two records of the archive are the length of the part, and the part: a list of bytes with its own length.
    """
    place = cache.rfind(_BEGINS)
    if place < 0 or int.from_bytes(cache[_LENGTH_AT:_HEADER_BYTES], "little") != len(cache) - _HEADER_BYTES:
        return cache
    size = (len(cache) - place).to_bytes(8, "little")
    records = _NUMBER + size + _LIST + size
    begins = place - len(records)
    if cache[begins:place] != records:
        return cache
    kept = cache[_HEADER_BYTES:begins] + _NUMBER + bytes(8) + _LIST + bytes(8)
    return cache[:_LENGTH_AT] + len(kept).to_bytes(8, "little") + kept
