"""Submits again what one build was for."""

from __future__ import annotations

from dataclasses import replace

from farm.protocol.errors import NotFound
from farm.protocol.states import State
from farm.protocol.views import SubmissionView
from orchestrator.store import submissions as rows

from . import submissions
from .caller import Caller
from .context import Context


def repeat(context: Context, build_id: str, caller: Caller) -> SubmissionView:
    """Submit the model of a build for its target alone, as whoever asked for it last has asked.

    Raises: NotFound: nobody asked for such a build. Else as `submit`.
    """
    with context.database.read() as connection:
        wanted = rows.of_build(connection, build_id, 1)
    if not wanted:
        raise NotFound(f"no submission asked for {build_id[:80]!r}", "Submit its model: farm submit.")
    (request,) = wanted
    asked = submissions.asked(context, request.submission_id)
    # What failed would fail at once again with the same key.
    again = request.state in (State.FAILED, State.QUARANTINED)
    ask = replace(asked, targets=(request.word,), force=asked.force or again, idempotency=None)
    return submissions.submit(context, replace(ask, tags={**ask.tags, "retry-of": request.submission_id}), caller)
