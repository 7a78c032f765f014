"""`farm results`."""

from __future__ import annotations

from typing import Optional

import click

from farm.protocol.exits import Exit

from ..console import emit_json
from ..context import Connection
from ..options import json_option, option, verb
from ..outcome import emit_results, results_json
from ..stored import SUBMISSIONS, stored
from ..words import seconds


@verb()
@click.argument("submission", shell_complete=stored(SUBMISSIONS))
@option("--wait", is_flag=True, help="Wait for the end first.")
@option("--timeout", metavar="TIME", help="Wait no longer: 90s, 15m, 2h.")
@json_option
@click.pass_obj
def results(connection: Connection, submission: str, wait: bool, timeout: Optional[str], as_json: bool) -> int:
    """Show what came out of a submission: verdict, latency and engine of each target.

    The exit code is that of the worst target that has ended.
    """
    from farm.client.waiting import outcome

    from ..following import finish

    with connection.client() as client:
        view = client.status(submission)
        if wait:
            return finish(client, view, seconds("--timeout", timeout) if timeout else None, False, as_json)
        found = client.results(view)
    code = int(outcome(view))
    if as_json:
        emit_json(results_json(view, found, code))
    else:
        emit_results(found)
    return code or int(Exit.DONE)
