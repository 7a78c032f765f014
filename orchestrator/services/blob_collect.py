"""Garbage collection of blobs: what nothing refers to, and nobody stored or kept lately, goes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .blob_port import BlobStat, BlobStore

# A blob is uploaded first and referred to later; the slowest submit must be through in between.
MINIMUM_AGE_S = 24 * 3600.0


@dataclass(frozen=True)
class Collected:
    """How many blobs went, or would go, and the bytes they take."""

    blobs: int = 0
    bytes: int = 0


def unreferenced(
    store: BlobStore, is_referenced: Callable[[str], bool], minimum_age_s: float = MINIMUM_AGE_S
) -> Iterator[BlobStat]:
    """The blobs that would be collected, in the order of their digests."""
    return (stat for stat in store.list_older_than(minimum_age_s) if not is_referenced(stat.sha256))


def collect(
    store: BlobStore,
    is_referenced: Callable[[str], bool],
    minimum_age_s: float = MINIMUM_AGE_S,
    dry_run: bool = False,
) -> Collected:
    """Delete what nothing refers to, or only count it.

    Safe against a submit at the same time, provided that it calls `BlobStore.keep` before it writes a reference: a
    `keep` before the delete makes the blob too young for it, and one after it answers that the blob is not there.

    Args:
        store: Whose blobs.
        is_referenced: Says of a digest whether a committed row refers to it.
        minimum_age_s: Younger blobs stay whatever `is_referenced` says.
        dry_run: Delete nothing.
    """
    blobs, size_bytes = 0, 0
    for stat in unreferenced(store, is_referenced, minimum_age_s):
        if dry_run or store.delete(stat.sha256, older_than_s=minimum_age_s):
            blobs, size_bytes = blobs + 1, size_bytes + stat.size_bytes
    return Collected(blobs, size_bytes)
