"""Spans of several processes as one line of time: at each moment the innermost of what the farm does."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

# What is open most of the time and holds nothing up.
_WAITING = ("POST /claims", "POST /heartbeat", "GET /events", "results")
_ASIDE = ("report-", "hold-", "heart", "watch-", "remove-")


@dataclass(frozen=True)
class Span:
    """From when to when a process did what."""

    process: str
    thread: str
    name: str
    began_s: float
    ended_s: float

    @property
    def is_work(self) -> bool:
        """Something may wait for it."""
        return not self.name.startswith(_WAITING) and not self.thread.startswith(_ASIDE)


@dataclass(frozen=True)
class Slice:
    """A piece of time with what was done in it; where nothing was, `span` is the last before it."""

    began_s: float
    ended_s: float
    span: Span | None
    idle: bool = False

    @property
    def took_s(self) -> float:
        """How long it was."""
        return self.ended_s - self.began_s


def read(path: Path) -> list[Span]:
    """All that was recorded."""
    return [Span(**json.loads(line)) for line in path.read_text().splitlines()]


def slices(spans: Iterable[Span], began_s: float, ended_s: float) -> list[Slice]:
    """The time between two moments without a gap, cut where what is done changes."""
    work = [span for span in spans if span.is_work and span.ended_s > began_s and span.began_s < ended_s]
    cuts = sorted({began_s, ended_s, *(at for span in work for at in (span.began_s, span.ended_s))})
    cuts = [at for at in cuts if began_s <= at <= ended_s]
    return list(_joined(_slice(work, begin, end) for begin, end in pairwise(cuts)))


def _slice(work: list[Span], begin: float, end: float) -> Slice:
    inside = [span for span in work if span.began_s <= begin and span.ended_s >= end]
    if inside:
        return Slice(begin, end, max(inside, key=lambda span: span.began_s))
    before = [span for span in work if span.ended_s <= begin]
    return Slice(begin, end, max(before, key=lambda span: span.ended_s, default=None), idle=True)


def _joined(found: Iterable[Slice]) -> Iterator[Slice]:
    last: Slice | None = None
    for item in found:
        if last is not None and (last.span, last.idle) == (item.span, item.idle):
            last = Slice(last.began_s, item.ended_s, last.span, last.idle)
            continue
        if last is not None:
            yield last
        last = item
    if last is not None:
        yield last
