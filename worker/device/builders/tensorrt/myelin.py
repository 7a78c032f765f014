"""The part of a timing cache that is Myelin's: one that holds nothing spoils the rest where Myelin has no cuBLAS.

Seen with TensorRT 8.5.3.1 on an H200 without cuBLAS: it writes such a part and cannot read it. Then it refuses the
whole cache, and from that moment on any other in the same process, an empty one too. So the part has to go before.
"""

from __future__ import annotations

_BEGINS, _NUMBER, _LIST = b"file_format_version=", b"\x08\x80\x01\x00", b"\x01\x80\x03\x80\x01\x00"
# Eight bytes of a magic word and eight of the kind of archive, then the length of what follows.
_HEADER_BYTES, _LENGTH_AT = 24, 16
# The version of the format, and those of the libraries; entries would follow.
_EMPTY_LINES = 2


def without_empty_myelin(cache: bytes) -> bytes:
    """The cache with an empty list in the place of a part without entries; else as it is, as where another layout is.

    The last two records of the archive are the length of the part, and the part: a list of bytes with its own length.
    """
    place = cache.rfind(_BEGINS)
    if place < 0 or int.from_bytes(cache[_LENGTH_AT:_HEADER_BYTES], "little") != len(cache) - _HEADER_BYTES:
        return cache
    part = cache[place:]
    records = _NUMBER + len(part).to_bytes(8, "little") + _LIST + len(part).to_bytes(8, "little")
    begins = place - len(records)
    if cache[begins:place] != records or part.count(b"\n") != _EMPTY_LINES or not part.endswith(b"\n"):
        return cache
    kept = cache[_HEADER_BYTES:begins] + _NUMBER + bytes(8) + _LIST + bytes(8)
    return cache[:_LENGTH_AT] + len(kept).to_bytes(8, "little") + kept
