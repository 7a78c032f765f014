"""What a submission shows, and what its requests wait for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import chain

from farm.protocol.states import ENDED_STATES, GOOD_STATES, State
from farm.protocol.views import RequestView, SubmissionView
from orchestrator.rules.outcome import exit_of, submission_state
from orchestrator.store import build_lists, evidence, submissions
from orchestrator.store.database import Connection
from orchestrator.store.submissions import Listing as Listing  # callers of `find` make one
from orchestrator.store.submissions import RequestRow, SubmissionRow

from .clock import iso
from .context import Context
from .orders import measure_digest
from .outlook import Outlook

_PAGE = 20
_MOST = 1000


def view(context: Context, connection: Connection, row: SubmissionRow) -> SubmissionView:
    """One submission with its requests."""
    return views(context, connection, [row])[0]


def views(context: Context, connection: Connection, rows: Sequence[SubmissionRow]) -> tuple[SubmissionView, ...]:
    """Submissions with their requests, in the given order."""
    requests: dict[str, list[RequestRow]] = {row.id: [] for row in rows}
    for request in submissions.requests_of(connection, requests):
        requests[request.submission_id].append(request)
    noisy = _noisy(connection, rows, requests)
    waits = _waits(context, connection, chain.from_iterable(requests.values()))
    made = []
    for row in rows:
        own = requests[row.id]
        made.append(
            SubmissionView(
                id=row.id,
                name=row.name,
                model=row.model,
                state=submission_state([item.state for item in own]),
                created_at=iso(row.created_at),
                created_by=row.created_by,
                builds=tuple(_request(item, item.id in noisy, waits) for item in own),
                tags=row.tags,
                priority=row.priority,
            )
        )
    return tuple(made)


def find(context: Context, wanted: Listing, states: Sequence[State], limit: int) -> tuple[SubmissionView, ...]:
    """The newest submissions of a listing, in one of these states where any are given."""
    found: list[SubmissionView] = []
    before = None
    limit = min(limit, _MOST)
    # A submission is always in the state of one of its requests.
    wanted = replace(wanted, states=tuple(states))
    with context.database.read() as connection:
        while len(found) < limit:
            page = max(limit - len(found), _PAGE) if states else limit
            rows = submissions.find(connection, wanted, before, page)
            made = views(context, connection, rows)
            found += [item for item in made if not states or item.state in states]
            if not states or len(rows) < page:
                break
            before = rows[-1].created_at
    return tuple(found[:limit])


def _waits(context: Context, connection: Connection, requests: Iterable[RequestRow]) -> dict[str, str]:
    """What the builds of active requests wait for, by the id of the build."""
    active = {item.build_id for item in requests if item.build_id and item.state not in ENDED_STATES}
    if not active:
        return {}
    stands = build_lists.standings(connection, active)
    outlook = Outlook(context, connection, stands.values())
    return {build_id: outlook.waits_for(stand) for build_id, stand in stands.items()}


def _request(row: RequestRow, noisy: bool, waits: dict[str, str]) -> RequestView:
    code = exit_of(row.state, noisy)
    reason = row.reason
    if row.state not in ENDED_STATES:
        reason = waits.get(row.build_id or "", "")
    elif noisy and row.state in GOOD_STATES and not reason:
        reason = "the engine is good, its measurement was too noisy to be published"
    return RequestView(
        id=row.id,
        target=row.word,
        label=row.label,
        state=row.state,
        key=row.key,
        preparation=row.preparation_id or "",
        build=row.build_id,
        engine=row.engine_id,
        exit_code=None if code is None else int(code),
        reason=reason,
    )


def _noisy(
    connection: Connection, rows: Sequence[SubmissionRow], requests: dict[str, list[RequestRow]]
) -> frozenset[str]:
    """The requests whose measurement, under the policy of their submission, was too noisy."""
    measured: dict[str, tuple[str, str]] = {}
    for row in rows:
        good = [item for item in requests[row.id] if item.engine_id and item.state in GOOD_STATES]
        policy = row.benchmark if good else None
        if policy and policy.enabled:
            measured.update({item.id: (item.engine_id or "", measure_digest(policy)) for item in good})
    if not measured:
        return frozenset()
    found = evidence.noisy(connection, {engine_id for engine_id, _ in measured.values()})
    return frozenset(request_id for request_id, pair in measured.items() if pair in found)
