"""`farm cancel` and `farm retry`."""

from __future__ import annotations

from typing import Any, Optional

import click

from farm.protocol.exits import Exit

from ..build_options import with_options
from ..console import emit_json, say
from ..context import Connection
from ..options import json_option, option, verb
from ..stored import SUBMISSIONS, stored
from ..submitted import WAIT_OPTIONS, Stay


@verb()
@click.argument("submission", shell_complete=stored(SUBMISSIONS))
@option("--target", metavar="WORD", help="Only this target.")
@json_option
@click.pass_obj
def cancel(connection: Connection, submission: str, target: Optional[str], as_json: bool) -> int:
    """Cancel a submission, or one of its targets. What others want too goes on for them."""
    with connection.client() as client:
        view = client.cancel(submission, target)
    if as_json:
        emit_json(view)
    for request in () if as_json else view.builds:
        say(f"{request.target}: {request.state}")
    return Exit.DONE


@verb()
@click.argument("submission", shell_complete=stored(SUBMISSIONS))
@option("--failed/--all", default=True, help="Only what has no engine (the default), or everything.")
@option("--force", is_flag=True, help="Build although the same key failed or exists.")
@with_options(WAIT_OPTIONS)
@json_option
@click.pass_obj
def retry(connection: Connection, /, **given: Any) -> int:
    """Submit again what failed, as a new submission that names the old one."""
    stay = Stay.of(given)
    with connection.client() as client:
        return stay.tell(client, client.retry(given["submission"], given["failed"], given["force"]))
