"""Submitting, and what became of it."""

from __future__ import annotations

from datetime import datetime

from farm.protocol.errors import Invalid
from farm.protocol.submit import Plan, SubmitAsk
from farm.protocol.views import SubmissionView, Sweep
from orchestrator.services import garbage, planning, submission_views, submissions
from orchestrator.services.submission_views import Listing

from ..asks import CancelAsk, RetryAsk, SubmissionsQuery, SweepAsk
from ..query import NoQuery
from ..routing import ADMINS, SUBMITTERS, Call, Endpoints, ListOf

endpoints = Endpoints("submitting")


@endpoints.route("POST", "/plans", SUBMITTERS, body=SubmitAsk, answer=Plan)
def plan(call: Call[SubmitAsk, NoQuery]) -> Plan:
    """Show what a submit would do for each target, without doing it."""
    return planning.plan(call.context, call.body)


@endpoints.route("POST", "/submissions", SUBMITTERS, body=SubmitAsk, answer=SubmissionView, status=201)
def submit(call: Call[SubmitAsk, NoQuery]) -> SubmissionView:
    """Submit a model for its targets."""
    return submissions.submit(call.context, call.body, call.caller)


@endpoints.route(
    "GET", "/submissions", SUBMITTERS, query=SubmissionsQuery, answer=ListOf("submissions", SubmissionView)
)
def list_submissions(call: Call[None, SubmissionsQuery]) -> tuple[SubmissionView, ...]:
    """Submissions, newest first."""
    asked = call.query
    return submission_views.find(
        call.context,
        Listing(
            name=asked.name,
            token_id=call.caller.token_id if asked.mine else None,
            since=_moment(asked.since),
            until=_moment(asked.until),
            tags=tuple(_tag(text) for text in asked.tag),
        ),
        (asked.state,) if asked.state else (),
        asked.limit,
    )


@endpoints.route("GET", "/submissions/{id}", SUBMITTERS, answer=SubmissionView)
def show_submission(call: Call[None, NoQuery]) -> SubmissionView:
    """One submission."""
    return submissions.show(call.context, call.path["id"])


@endpoints.route("GET", "/submissions/{id}/ask", SUBMITTERS, answer=SubmitAsk)
def show_ask(call: Call[None, NoQuery]) -> SubmitAsk:
    """What was submitted, as it was sent."""
    return submissions.asked(call.context, call.path["id"])


@endpoints.route("POST", "/submissions/{id}/cancel", SUBMITTERS, body=CancelAsk, answer=SubmissionView)
def cancel_submission(call: Call[CancelAsk, NoQuery]) -> SubmissionView:
    """Cancel a submission or one of its targets; what others want as well goes on."""
    return submissions.cancel(call.context, call.path["id"], call.body.target, call.caller)


@endpoints.route("POST", "/submissions/{id}/retry", SUBMITTERS, body=RetryAsk, answer=SubmissionView)
def retry_submission(call: Call[RetryAsk, NoQuery]) -> SubmissionView:
    """Submit again what failed, or everything."""
    return submissions.retry(call.context, call.path["id"], call.body.failed, call.body.force, call.caller)


@endpoints.route("POST", "/gc", ADMINS, body=SweepAsk, answer=Sweep)
def collect_garbage(call: Call[SweepAsk, NoQuery]) -> Sweep:
    """Remove what nothing refers to, or tell what would be removed."""
    return garbage.sweep(call.context, call.body.dry_run)


def _moment(text: str | None) -> float | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(f"{text[:40]!r} is not a moment", "Write it as 2026-01-31T12:00:00Z.") from None
    if moment.tzinfo is None:
        raise Invalid(f"{text[:40]!r} has no time zone", "Write it as 2026-01-31T12:00:00Z.")
    return moment.timestamp()


def _tag(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Invalid(f"{text[:80]!r} is not a tag", "Write it as key=value.")
    return name, value
