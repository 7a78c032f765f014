"""The artifact database: engines by card, model, target and precision."""

from __future__ import annotations

from collections.abc import Iterator

from farm.protocol.codec import from_json, to_json
from farm.protocol.engine import EngineManifest
from farm.protocol.errors import Conflict, NotFound
from farm.protocol.options import Precision
from farm.protocol.views import EngineDetail, EngineView
from orchestrator.rules.references import preparation_key
from orchestrator.rules.selection import Selection, selection
from orchestrator.store import devices, keys, offers, serving, submissions
from orchestrator.store import engines as rows
from orchestrator.store.database import Connection
from orchestrator.store.engines import EngineRow

from .clock import iso
from .context import Context
from .orders import wanted

_PAGE = 200
_MOST = 1000


def every(
    context: Context,
    gpu: str | None = None,
    model: str | None = None,
    target: str | None = None,
    precision: Precision | None = None,
    limit: int = 100,
) -> tuple[EngineView, ...]:
    """Engines that match everything given, newest first, quarantined ones too.

    Args:
        context: The coordinator.
        gpu: A target word, a filter, or a part of a card's name.
        model: Name or digest.
        target: A target word, a filter, or a part of a target's label.
        precision: As asked for.
        limit: At most so many.
    """
    limit = max(1, min(limit, _MOST))
    with context.database.read() as connection:
        table = offers.words(connection)
        chosen = [selection(word, table, of_card) for word, of_card in ((gpu, True), (target, False)) if word]
        if not chosen:
            return tuple(view(row) for row in rows.newest(connection, limit, model, precision=precision))
        found: list[EngineView] = []
        for page in _candidates(connection, chosen, model, precision):
            found += [view(row) for row in _selected(connection, page, chosen)]
            if len(found) >= limit:
                break
        return tuple(found[:limit])


def show(context: Context, engine_id: str, request_id: str | None = None) -> EngineDetail:
    """One engine with everything known about it; first what it was proven by for a request, if one is named.

    Raises: NotFound
    """
    with context.database.read() as connection:
        row = existing(connection, engine_id)
        verify, measure = _policies(connection, request_id) if request_id else ("", "")
        return EngineDetail(
            engine=view(row),
            manifest=with_reports(connection, row.id),
            verifications=rows.verifications(connection, row.id, verify),
            benchmarks=rows.benchmarks(connection, row.id, measure),
        )


def _policies(connection: Connection, request_id: str) -> tuple[str, str]:
    """The digests under which a request's verification and measurement are stored."""
    request = submissions.request_by_id(connection, request_id)
    if request is None:
        raise NotFound(f"there is no request {request_id[:80]!r}", "`farm status` names them.")
    submission = submissions.by_id(connection, request.submission_id)
    found = keys.of_request(connection, request_id)
    if submission is None or found is None:
        return "", ""
    proven = wanted(submission.asked, preparation_key(submission.asked, found.key.recipe).digest)
    return proven.verify_digest, proven.benchmark_digest


def pin(context: Context, engine_id: str, pinned: bool) -> EngineView:
    """Keep an engine from garbage collection and removal, or no longer.

    Raises: NotFound
    """
    with context.transaction() as transaction:
        existing(transaction.connection, engine_id)
        rows.change(transaction.connection, engine_id, pinned=pinned)
        return view(existing(transaction.connection, engine_id))


def remove(context: Context, engine_id: str) -> EngineView:
    """Hand an engine out no more. Its blobs go with garbage collection.

    Raises: NotFound. Conflict: it is pinned, or what a campaign goes back to.
    """
    with context.transaction() as transaction:
        row = existing(transaction.connection, engine_id)
        if row.pinned:
            raise Conflict(f"the engine {engine_id} is pinned", f"Run farm engines unpin {engine_id} first.")
        campaign = serving.campaign_with_former(transaction.connection, row.id)
        if campaign:
            raise Conflict(
                f"{campaign} goes back to the engine {engine_id}",
                f"Roll it back first, or farm campaign close {campaign}.",
            )
        rows.change(transaction.connection, engine_id, removed_at=transaction.at)
        transaction.emit("engine", data={"engine": engine_id, "state": "removed"})
    return view(row)


def existing(connection: Connection, engine_id: str) -> EngineRow:
    """The row of an engine that is not removed.

    Raises: NotFound
    """
    row = rows.by_id(connection, engine_id)
    if row is None or row.removed_at is not None:
        raise NotFound(f"there is no engine {engine_id[:80]!r}", "Run farm engines list.")
    return row


def with_reports(connection: Connection, engine_id: str) -> EngineManifest:
    """The manifest with the newest verification, and the newest measurement that was not too noisy, if there is one."""
    stored = to_json(rows.manifest(connection, engine_id))
    verifications, benchmarks = rows.verifications(connection, engine_id), rows.benchmarks(connection, engine_id)
    stored["verification"] = to_json(verifications[0]) if verifications else None
    measured = sorted(benchmarks, key=lambda report: report.noisy)
    stored["benchmark"] = to_json(measured[0]) if measured else None
    return from_json(EngineManifest, stored)


def view(row: EngineRow) -> EngineView:
    """An engine as lists show it."""
    return EngineView(
        id=row.id,
        model_name=row.model_name,
        model=row.model,
        label=row.label,
        gpu=row.gpu,
        backend=row.backend,
        backend_version=row.backend_version,
        precision=row.precision,
        key=row.key,
        size_bytes=row.size_bytes,
        created_at=iso(row.created_at),
        built_on=row.built_on,
        verdict=row.verdict,
        latency_ms=row.median_ms,
        p99_ms=row.p99_ms,
        noisy=row.noisy,
        degraded=row.degraded,
        pinned=row.pinned,
        current=row.current,
    )


def _candidates(
    connection: Connection, chosen: list[Selection], model: str | None, precision: Precision | None
) -> Iterator[tuple[EngineRow, ...]]:
    """Engines of cards that can match, newest first, page by page."""
    names = tuple(name for name in rows.gpus(connection) if all(one.may_be_on(name) for one in chosen))
    before: tuple[float, str] | None = None
    while True:
        page = rows.newest(connection, _PAGE, model, precision=precision, before=before, gpus=names)
        yield page
        if len(page) < _PAGE:
            return
        before = (page[-1].created_at, page[-1].id)


def _selected(connection: Connection, page: tuple[EngineRow, ...], chosen: list[Selection]) -> Iterator[EngineRow]:
    targets = rows.targets(connection, [row.id for row in page])
    facts = devices.facts(connection, {row.built_on for row in page})
    for row in page:
        labels = [one.label for one in chosen if one.label is not None]
        filters = [one for one in chosen if one.label is None]
        if all(label in row.label.lower() for label in labels) and all(
            one.matches(row.built_on, facts[row.built_on], targets[row.id]) for one in filters
        ):
            yield row
