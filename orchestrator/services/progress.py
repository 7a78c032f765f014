"""Takes from devices how far their builds are, and tells it to whoever watches. Nothing of it is written down."""

from __future__ import annotations

from farm.protocol.errors import Invalid, LeaseLost
from farm.protocol.views import Event, ProgressView
from farm.protocol.work import ProgressReport
from orchestrator.rules.estimates import Estimate
from orchestrator.store import attempts, builds, submissions
from orchestrator.store.build_lists import Running

from .caller import Caller
from .clock import iso
from .context import Context
from .progress_board import Told

_LONGEST_PHASE = 200


def topic(submission: str | None = None, build: str | None = None) -> str:
    """The signal of "a build is further": of all, or of one submission or build."""
    return f"progress:{submission or build or ''}"


def tell(context: Context, caller: Caller, attempt_id: str, report: ProgressReport) -> None:
    """Take the word of the holder of a lease.

    Raises: LeaseLost. Invalid: the share is none.
    """
    if report.share is not None and not 0 <= report.share <= 1:
        raise Invalid(f"{report.share} is no share", "Give a number from 0 to 1.")
    with context.database.read() as connection:
        row = attempts.by_id(connection, attempt_id)
        if row is None or attempts.device_of(connection, attempt_id) != caller.device:
            raise LeaseLost(f"{caller.device or caller.name} holds no lease {attempt_id[:80]!r}", "Claim again.")
        if row.token != report.token or not row.live:
            raise LeaseLost(f"the lease {attempt_id[:80]} is no longer held", "Claim again.", end=row.end)
        build = builds.by_id(connection, row.build_id) if row.build_id else None
        if build is None:
            return
        wanting = submissions.ids_wanting(connection, build.id)
    phase = report.phase[:_LONGEST_PHASE]
    context.progress.note(context.clock(), row.id, build.id, build.state, phase, report.share, wanting)
    for name in (topic(), topic(build=build.id), *(topic(submission=item) for item in wanting)):
        context.signals.changed(name)


def view(context: Context, running: Running, estimate: Estimate | None) -> ProgressView:
    """How far a running build is, with an estimate from the farm's history."""
    told = context.progress.of(running.attempt, running.state)
    return ProgressView(
        phase=told.phase if told else "",
        percent=told.percent if told else None,
        elapsed_s=round(max(0.0, context.clock() - running.started_at), 1),
        estimate_s=estimate.seconds if estimate else None,
        estimate_from=estimate.source if estimate else "",
    )


def event(told: Told, seen: int) -> Event:
    """The event of a word. It has no place among the others: its id is that of the newest one before it."""
    data = {"attempt": told.attempt, "state": told.state, "phase": told.phase, "percent": told.percent}
    return Event(seen, iso(told.at), "progress", build=told.build, data=data)
