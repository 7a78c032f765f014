"""`farm cancel` and `farm retry`."""

from __future__ import annotations

from typing import Optional

import click

from farm.protocol.exits import Exit

from ..console import emit_json, say
from ..context import Connection
from ..options import json_option, option, verb
from ..stored import SUBMISSIONS, stored
from ..words import seconds


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
@option("--wait", is_flag=True, help="Return when every target has ended, with its exit code.")
@option("--watch", is_flag=True, help="As --wait, and tell every stage when nobody looks, too.")
@option("--timeout", metavar="TIME", help="Wait no longer: 90s, 15m, 2h.")
@json_option
@click.pass_obj
def retry(
    connection: Connection,
    submission: str,
    failed: bool,
    force: bool,
    wait: bool,
    watch: bool,
    timeout: Optional[str],
    as_json: bool,
) -> int:
    """Submit again what failed, as a new submission that names the old one."""
    timeout_s = seconds("--timeout", timeout) if timeout else None
    with connection.client() as client:
        view = client.retry(submission, failed, force)
        if wait or watch:
            from ..following import finish

            return finish(client, view, timeout_s, watch, as_json)
    if as_json:
        emit_json(view)
    else:
        click.echo(view.id)
        say(f"follow it with farm status {view.id} --watch")
    return Exit.DONE
