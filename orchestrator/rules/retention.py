"""Which engines garbage collection may remove."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class StoredEngine:
    """An engine as retention sees it; `used_at` is when it was made or last fetched.

    Attributes:
        variant: What it is an engine of: name, target, precision. Only the newest few of a variant are kept.
        current: A name points at its model, and nothing newer with its key exists.
        wanted: An active build or request refers to it, or a campaign that is not over.
    """

    id: str
    variant: tuple[str, ...]
    created_at: float
    used_at: float
    pinned: bool
    current: bool
    wanted: bool


def expendable(engines: Sequence[StoredEngine], now: float, keep: int, keep_s: float) -> tuple[str, ...]:
    """The ids of engines that may go.

    Such an engine is old, unused, not pinned, of a model that no name points at any more, and not among the `keep`
    newest of its variant.
    """
    by_variant: dict[tuple[str, ...], list[StoredEngine]] = defaultdict(list)
    for engine in engines:
        by_variant[engine.variant].append(engine)
    gone: list[str] = []
    for variant in by_variant.values():
        newest_first = sorted(variant, key=lambda engine: (engine.created_at, engine.id), reverse=True)
        for engine in newest_first[keep:]:
            kept = engine.pinned or engine.current or engine.wanted or now - engine.used_at < keep_s
            if not kept:
                gone.append(engine.id)
    return tuple(gone)
