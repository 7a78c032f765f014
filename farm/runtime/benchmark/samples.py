"""Every sample of a measurement, kept: zlib over little-endian float64 milliseconds."""

from __future__ import annotations

import struct
import zlib
from typing import Sequence, Tuple

from farm.protocol.errors import Invalid

_BYTES = 8


def pack(samples: Sequence[float]) -> bytes:
    """The samples as they are stored."""
    return zlib.compress(struct.pack(f"<{len(samples)}d", *samples), 6)


def unpack(stored: bytes) -> Tuple[float, ...]:
    """The samples again.

    Raises: Invalid: these are not packed samples.
    """
    try:
        data = zlib.decompress(stored)
    except zlib.error as error:
        raise Invalid(f"these are not the samples of a measurement: {error}") from error
    if len(data) % _BYTES:
        raise Invalid("these are not the samples of a measurement: the last one is cut off")
    return struct.unpack(f"<{len(data) // _BYTES}d", data)
