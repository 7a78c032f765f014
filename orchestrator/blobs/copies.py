"""Copies blobs from one store to another, verified."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from .files import make_folder, sync
from .layout import Layout
from .part import read_pieces


@dataclass(frozen=True)
class Copied:
    """What became of the blobs that were asked for.

    Attributes:
        blobs, size_bytes: Those that are in the target now.
        fresh: How many of them were not there before.
        damaged: Digests of those that are not in the source, or not what their name says.
    """

    blobs: int = 0
    size_bytes: int = 0
    fresh: int = 0
    damaged: tuple[str, ...] = ()


def copy(source: Layout, target: Layout, digests: Iterable[str]) -> Copied:
    """Copy blobs, except those that the target has; nobody else may write to the target.

    Raises: OSError: the target takes no more, say.
    """
    blobs = size_bytes = fresh = 0
    damaged = []
    for sha256 in sorted(digests):
        there = target.blob(sha256)
        if not there.exists():
            if not _copy(source.blob(sha256), there, sha256):
                damaged.append(sha256)
                continue
            fresh += 1
        blobs, size_bytes = blobs + 1, size_bytes + there.stat().st_size
    return Copied(blobs, size_bytes, fresh, tuple(damaged))


def _copy(source: Path, target: Path, sha256: str) -> bool:
    try:
        opened = source.open("rb")
    except FileNotFoundError:
        return False
    make_folder(target.parent)
    part = target.with_name("copy.part")
    found = hashlib.sha256()
    with opened, part.open("wb") as made:
        for piece in read_pieces(opened):
            found.update(piece)
            made.write(piece)
        made.flush()
        os.fsync(made.fileno())
    if found.hexdigest() != sha256:
        part.unlink()
        return False
    part.chmod(0o444)
    part.rename(target)
    sync(target.parent)
    return True
