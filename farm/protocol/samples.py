"""Many numbers in one blob (every sample of a measurement, values of outputs): zlib over little-endian float64."""

from __future__ import annotations

import struct
import zlib
from typing import Sequence, Tuple

from .errors import Invalid

_BYTES = 8
_MOST = 4_000_000


def pack(samples: Sequence[float]) -> bytes:
    """The numbers as they are stored."""
    return zlib.compress(struct.pack(f"<{len(samples)}d", *samples), 6)


def unpack(stored: bytes, most: int = _MOST) -> Tuple[float, ...]:
    """The numbers again. A device wrote them: no more than `most` are read, whatever they claim to be.

    Raises: Invalid: these are not packed numbers, or too many.
    """
    reader = zlib.decompressobj()
    try:
        data = reader.decompress(stored, most * _BYTES)
    except zlib.error as error:
        raise Invalid(f"these are not packed samples: {error}") from error
    if reader.unconsumed_tail:
        raise Invalid(f"these are more than {most} samples")
    if not reader.eof or len(data) % _BYTES:
        raise Invalid("these are not packed samples: the last one is cut off")
    return struct.unpack(f"<{len(data) // _BYTES}d", data)
