"""What a submission shows, and what its requests wait for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

from farm.protocol.states import ENDED_STATES, GOOD_STATES, State
from farm.protocol.views import RequestView, SubmissionView
from orchestrator.rules.outcome import exit_of, submission_state
from orchestrator.store import evidence, submissions
from orchestrator.store.database import Connection
from orchestrator.store.submissions import Listing as Listing  # callers of `find` make one
from orchestrator.store.submissions import RequestRow, SubmissionRow

from .clock import iso
from .context import Context
from .orders import measure_digest
from .prospects import Prospects

_PAGE = 20
_MOST = 1000


def view(context: Context, connection: Connection, row: SubmissionRow) -> SubmissionView:
    """One submission with its requests."""
    return _views(context, connection, _with_requests(connection, [row]), progress=True)[0]


def find(context: Context, wanted: Listing, states: Sequence[State], limit: int) -> tuple[SubmissionView, ...]:
    """The newest submissions of a listing, in one of these states where any are given."""
    found: list[_Submitted] = []
    before = None
    limit = min(limit, _MOST)
    # A submission is always in the state of one of its requests.
    wanted = replace(wanted, states=tuple(states))
    with context.database.read() as connection:
        while len(found) < limit:
            page = max(limit - len(found), _PAGE) if states else limit
            rows = submissions.find(connection, wanted, before, page)
            found += [item for item in _with_requests(connection, rows) if not states or item.state in states]
            if not states or len(rows) < page:
                break
            before = rows[-1].created_at
        # How far each build of a long list is would take as long as all the rest.
        return _views(context, connection, found[:limit], progress=False)


@dataclass(frozen=True)
class _Submitted:
    """A submission with its requests, in the order of their targets."""

    row: SubmissionRow
    requests: tuple[RequestRow, ...]

    @property
    def state(self) -> State:
        """Where it stands as a whole."""
        return submission_state([item.state for item in self.requests])


def _with_requests(connection: Connection, rows: Sequence[SubmissionRow]) -> list[_Submitted]:
    requests: dict[str, list[RequestRow]] = {row.id: [] for row in rows}
    for request in submissions.requests_of(connection, requests):
        requests[request.submission_id].append(request)
    return [_Submitted(row, tuple(requests[row.id])) for row in rows]


def _views(
    context: Context, connection: Connection, found: Sequence[_Submitted], progress: bool
) -> tuple[SubmissionView, ...]:
    noisy = _noisy(connection, found)
    prospects = Prospects(context, connection, itertools.chain.from_iterable(item.requests for item in found))
    return tuple(
        SubmissionView(
            id=item.row.id,
            name=item.row.name,
            model=item.row.model,
            state=item.state,
            created_at=iso(item.row.created_at),
            created_by=item.row.created_by,
            builds=tuple(_request(request, request.id in noisy, prospects, progress) for request in item.requests),
            tags=item.row.tags,
            priority=item.row.priority,
        )
        for item in found
    )


def _request(row: RequestRow, noisy: bool, prospects: Prospects, progress: bool) -> RequestView:
    code = exit_of(row.state, noisy)
    reason = row.reason
    if row.state not in ENDED_STATES:
        reason = prospects.waits_for(row)
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
        progress=prospects.progress(row) if progress else None,
    )


def _noisy(connection: Connection, found: Sequence[_Submitted]) -> frozenset[str]:
    """The requests whose measurement, under the policy of their submission, was too noisy."""
    measured: dict[str, tuple[str, str]] = {}
    submitted = set()
    for item in found:
        good = [one for one in item.requests if one.engine_id and one.state in GOOD_STATES]
        policy = item.row.benchmark if good else None
        if policy and policy.enabled:
            submitted.add(item.row.id)
            measured.update({one.id: (one.engine_id or "", measure_digest(policy)) for one in good})
    if not measured:
        return frozenset()
    noisy = evidence.noisy(connection, submitted)
    return frozenset(request_id for request_id, pair in measured.items() if pair in noisy)
