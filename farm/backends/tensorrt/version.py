"""Versions of TensorRT and of TensorRT for RTX, and which of them farm knows."""

from __future__ import annotations

import re
from typing import Dict

from farm.protocol.errors import Unsupported

from .symbol import OLDEST, Version

NEWEST_MAJOR = 11
# TensorRT for RTX counts for itself; this is the TensorRT whose Python API each of its versions has. 1.4 and older
# still had the flags of TensorRT 10 and could not honour them.
_RTX_API: Dict[Version, Version] = {(1, 5): (11, 0), (1, 6): (11, 1), (1, 7): (11, 4)}


def parse(version: str) -> Version:
    """`10.16.1.11` is (10, 16, 1, 11); `10.14.1.48.post1` is (10, 14, 1, 48).

    Raises: Unsupported: it is no version.
    """
    if not re.match(r"\d+\.\d+", version):
        raise Unsupported(f"{version!r} is no version of TensorRT", "A full version looks like 8.5.2.2 or 10.4.0.")
    return tuple(int(part) for part in re.findall(r"^\d+|(?<=\.)\d+", version))


def api_of(version: str, rtx: bool = False) -> Version:
    """The version of TensorRT whose API this is: its own, or for TensorRT for RTX that of its time.

    Raises: Unsupported: farm does not know this version.
    """
    numbers = parse(version)
    if rtx:
        known = [api for own, api in sorted(_RTX_API.items()) if own <= numbers]
        if not known or numbers[0] > 1:
            raise Unsupported(f"farm does not know TensorRT for RTX {version}", "It knows 1.5 and later 1.x.")
        return known[-1]
    if numbers < OLDEST or numbers[0] > NEWEST_MAJOR:
        raise Unsupported(f"farm does not know TensorRT {version}", f"It knows 8.5 to {NEWEST_MAJOR}.x.")
    return numbers


def spelled(version: Version) -> str:
    """(8, 6) is `8.6`."""
    return ".".join(map(str, version))
