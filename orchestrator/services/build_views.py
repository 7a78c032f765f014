"""What builds and preparations show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from farm.protocol.codec import digest
from farm.protocol.errors import NotFound, TargetUnavailable
from farm.protocol.options import Precision
from farm.protocol.states import LEASED_STATES, State
from farm.protocol.views import AttemptView, BuildView, PreparationView, StageTiming
from orchestrator.rules.targets import matching
from orchestrator.store import attempts, build_lists, builds, offers, preparations
from orchestrator.store.attempts import AttemptRow
from orchestrator.store.build_lists import BuildListing as BuildListing  # callers of `find` make one
from orchestrator.store.build_lists import Running
from orchestrator.store.builds import BuildRow
from orchestrator.store.database import Connection

from . import progress
from .clock import iso, iso_or_none
from .context import Context
from .outlook import Outlook

_MOST = 1000


def show(context: Context, build_id: str) -> BuildView:
    """One build. Raises: NotFound."""
    with context.database.read() as connection:
        row = builds.by_id(connection, build_id)
        if row is None:
            raise NotFound(f"there is no build {build_id[:80]!r}", "`farm list` shows them.")
        return _views(context, connection, [row])[0]


def find(context: Context, wanted: BuildListing, target: str | None, limit: int) -> tuple[BuildView, ...]:
    """The newest builds of a listing; `target` is a word, a filter, a device or part of a label.

    Raises: Invalid: a filter cannot be read.
    """
    with context.database.read() as connection:
        if target is not None:
            wanted = replace(wanted, targets=_digests(connection, target))
        return _views(context, connection, build_lists.find(connection, wanted, min(limit, _MOST)))


def preparation(context: Context, preparation_id: str) -> PreparationView:
    """One preparation. Raises: NotFound."""
    with context.database.read() as connection:
        row = preparations.by_id(connection, preparation_id)
        if row is None:
            raise NotFound(f"there is no preparation {preparation_id[:80]!r}", "`farm status` names it.")
        tried = tuple(_attempt(item, name) for item, name in attempts.of_work(connection, (row.id,)))
    return PreparationView(row.id, row.state, row.model, row.failed_with, tried)


def _digests(connection: Connection, target: str) -> tuple[str, ...]:
    # A label too: builds outlive the devices that made them.
    labelled = build_lists.targets_labelled(connection, target)
    try:
        found = matching(target, offers.words(connection), offers.offers(connection))
    except TargetUnavailable:
        return labelled
    # Devices of a kind share one parsed target.
    targets = {id(offer.target): offer.target for offer in found}.values()
    return tuple({*labelled, *map(digest, targets)})


def _views(context: Context, connection: Connection, rows: Sequence[BuildRow]) -> tuple[BuildView, ...]:
    tried: dict[str, list[AttemptView]] = {row.id: [] for row in rows}
    for item, name in attempts.of_work(connection, tuple(tried)):
        tried[item.work_id].append(_attempt(item, name))
    outlook = Outlook(context, connection, rows)
    at_work = build_lists.running(connection, {row.id: row.state for row in rows if row.state in LEASED_STATES})
    return tuple(_build(context, row, tuple(tried[row.id]), outlook, at_work.get(row.id)) for row in rows)


def _build(
    context: Context, row: BuildRow, tried: tuple[AttemptView, ...], outlook: Outlook, running: Running | None
) -> BuildView:
    estimate = outlook.estimate(row)
    return BuildView(
        id=row.id,
        model_name=row.model_name,
        model=row.model,
        label=row.label,
        key=row.key,
        precision=Precision(row.precision),
        state=row.state,
        created_at=iso(row.created_at),
        ended_at=iso_or_none(row.ended_at),
        device=tried[-1].device if tried else None,
        engine=row.engine_id,
        failure=row.failed_with,
        attempts=tried,
        estimate_s=estimate.seconds if estimate else None,
        waiting_for=outlook.waits_for(row),
        progress=progress.view(context, running, estimate) if running else None,
    )


def _attempt(row: AttemptRow, device: str) -> AttemptView:
    return AttemptView(
        id=row.id,
        device=device,
        slot=row.slot,
        number=row.number,
        started_at=iso(row.started_at),
        ended_at=iso_or_none(row.ended_at),
        end=row.end,
        stages=_timings(row.stages, row.ended_at),
        failure=row.failed_with,
        child_ms=row.child_ms,
        log_bytes=row.log_bytes,
    )


def _timings(stages: Sequence[dict[str, Any]], ended_at: float | None) -> tuple[StageTiming, ...]:
    begins = [datetime.fromisoformat(item["started_at"]).timestamp() for item in stages]
    ends = [*begins[1:], ended_at]
    return tuple(
        StageTiming(
            state=State(item["state"]),
            started_at=item["started_at"],
            seconds=None if end is None else round(max(0.0, end - begin), 3),
            detail=item["detail"],
        )
        for item, begin, end in zip(stages, begins, ends, strict=False)
    )
