"""What the runner in a container and the worker outside say to each other through the container's pipes.

Outwards go frames: a kind, a length, and so many bytes. Inwards go lines of JSON, and the end of them ends the runner.
"""

from __future__ import annotations

import json
import struct
from typing import Any, Callable, Dict, Mapping, Optional

from farm.protocol.errors import Invalid

# What the child writes for people; a line of its stages; a file that it left, by name, and then its pieces; its end.
LOG, STAGE, FILE, DATA, ENDED = b"L", b"S", b"F", b"D", b"E"
GO_ON, END = "go on", "end"

_HEAD = struct.Struct(">cI")
_LONGEST_BYTES = 4 << 20
PIECE_BYTES = 1 << 20


def frame(kind: bytes, data: bytes) -> bytes:
    """One frame."""
    return _HEAD.pack(kind, len(data)) + data


def order(what: str, **told: Any) -> bytes:
    """A line to the runner."""
    return json.dumps({"do": what, **told}).encode() + b"\n"


class Frames:
    """Takes bytes as they come, and tells whole frames.

    Args:
        takers: Given the data of a frame, by its kind.
    """

    def __init__(self, takers: Mapping[bytes, Callable[[bytes], None]]) -> None:
        self._takers: Dict[bytes, Callable[[bytes], None]] = dict(takers)
        self._begun = bytearray()

    def feed(self, data: bytes) -> None:
        """More of it.

        Raises: Invalid: these are no frames. What was in the container may have written them.
        """
        self._begun += data
        while len(self._begun) >= _HEAD.size:
            kind, size_bytes = _HEAD.unpack_from(self._begun)
            taker: Optional[Callable[[bytes], None]] = self._takers.get(kind)
            if taker is None or size_bytes > _LONGEST_BYTES:
                raise Invalid("the container told what is no frame", "Is its image of this version of farm?")
            if len(self._begun) < _HEAD.size + size_bytes:
                return
            whole = bytes(self._begun[_HEAD.size : _HEAD.size + size_bytes])
            del self._begun[: _HEAD.size + size_bytes]
            taker(whole)
