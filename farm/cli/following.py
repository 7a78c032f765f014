"""The end of every verb that waits: watch, print what came out, answer with the exit code of the worst target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

from farm.protocol.views import SubmissionView

from .console import emit_json, say
from .outcome import emit_results, results_json
from .watching import watch

if TYPE_CHECKING:
    from farm.client import FarmClient


def finish(client: FarmClient, view: SubmissionView, timeout_s: Optional[float], lines: bool, as_json: bool) -> int:
    """Wait for the end of a submission, print its results, and return its exit code."""
    from farm.client.waiting import ended, outcome

    if not as_json:
        say(f"{view.id}: {view.name} for {', '.join(item.target for item in view.builds)}")
    # What was served from the cache has ended with the answer to the submit.
    view = view if ended(view) else watch(client, view.id, timeout_s, lines)
    code = int(outcome(view))
    found = client.results(view)
    if as_json:
        emit_json(results_json(view, found, code))
    else:
        emit_results(found)
    return code
