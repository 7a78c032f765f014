"""`farm configure`."""

from __future__ import annotations

import sys
from typing import Optional

import click

from farm.protocol.exits import Exit

from ..console import emit_json, say
from ..context import Connection
from ..options import json_option, option, verb
from ..settings import check_url, save


@verb()
@option("--url", metavar="URL", help="Of the coordinator; asked for when it is not given.")
@option("--token", metavar="TOKEN", help="Asked for, unseen, when it is not given; - reads it from standard input.")
@option("--profile", metavar="NAME", help="Keep it under a name of its own, for farm --profile NAME.")
@option("--no-check", is_flag=True, help="Do not ask the coordinator whether it accepts the token.")
@json_option
@click.pass_obj
def configure(
    connection: Connection,
    url: Optional[str],
    token: Optional[str],
    profile: Optional[str],
    no_check: bool,
    as_json: bool,
) -> int:
    """Say where the coordinator is, and with which token to ask it; verified, and kept for this user alone."""
    connection.profile = profile or connection.profile
    settings = connection.settings()
    url = url or connection.url or click.prompt("Coordinator", default=settings.url or None, err=True)
    url = check_url(url)
    token = token or connection.token or click.prompt("Token", hide_input=True, err=True, type=str)
    if token == "-":
        token = sys.stdin.readline().strip()
    who = None
    if not no_check:
        from farm.client import FarmClient

        with FarmClient(url, token) as client:
            who = client.whoami()
    save(settings.config_file, settings.profile, url, token)
    if as_json:
        emit_json({"url": url, "profile": settings.profile, "file": str(settings.config_file), "token": who})
        return Exit.DONE
    if who is not None:
        say(f"{url} knows this token as {who.name}, which may {who.scope}")
    say(f"wrote {settings.config_file}")
    return Exit.DONE
