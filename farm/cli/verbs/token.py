"""`farm token`: who may do what."""

from __future__ import annotations

from typing import Optional, Sequence

import click

from farm.protocol.errors import Conflict
from farm.protocol.exits import Exit
from farm.protocol.model import check_name
from farm.protocol.plugins import DEFAULT_TRUST_GROUP
from farm.protocol.states import Scope
from farm.protocol.views import TokenView

from ..console import columns, emit_json, emit_table, out, say
from ..context import Connection
from ..format import BAD, GOOD, Cell, CellLike, age, dim
from ..options import json_option, noun, option
from ..stored import DEVICES, TARGETS, TOKENS, stored
from ..words import seconds, split_names

_COLUMNS = columns("token, name, scope, device, created, state")


@noun()
def token() -> None:
    """Create, list and revoke tokens."""


@token.command("create")
@click.argument("name")
@option("--scope", type=click.Choice([str(item) for item in Scope]), required=True, help="What it may do.")
@option("--device", metavar="NAME", shell_complete=stored(DEVICES), help="The only device a worker token may enrol as.")
@option(
    "--targets",
    multiple=True,
    metavar="WORDS",
    shell_complete=stored(TARGETS, listed=True),
    help="The only targets that device may serve.",
)
@option("--trust-group", metavar="GROUP", help="That the device is in: those of one share compiled plugin libraries.")
@option("--expires", metavar="TIME", help="How long it is valid: 12h, 30d. By default until it is revoked.")
@json_option
@click.pass_obj
def create(
    connection: Connection,
    name: str,
    scope: str,
    device: Optional[str],
    targets: Sequence[str],
    trust_group: Optional[str],
    expires: Optional[str],
    as_json: bool,
) -> int:
    """Make a token. Its secret is printed once, alone on standard output."""
    expires_s = seconds("--expires", expires) if expires else None
    with connection.client() as client:
        made = client.tokens.create(
            check_name(name, "token name"),
            Scope(scope),
            device,
            split_names(targets),
            expires_s,
            trust_group or DEFAULT_TRUST_GROUP,
        )
    if as_json:
        emit_json(made)
    else:
        say(f"token {made.token.id} ({made.token.name}, {made.token.scope}); its secret is not shown again")
        out(made.secret)
    return Exit.DONE


@token.command("list")
@json_option
@click.pass_obj
def list_(connection: Connection, as_json: bool) -> int:
    """List tokens without their secrets."""
    with connection.client() as client:
        views = client.tokens.list()
    if as_json:
        emit_json({"tokens": views})
        return Exit.DONE
    rows = [
        (view.id, view.name, str(view.scope), view.device or "-", dim(age(view.created_at)), _state(view))
        for view in views
    ]
    emit_table(_COLUMNS, rows, "no tokens")
    return Exit.DONE


@token.command("revoke")
@click.argument("token_", metavar="TOKEN", shell_complete=stored(TOKENS))
@json_option
@click.pass_obj
def revoke(connection: Connection, token_: str, as_json: bool) -> int:
    """Make a token, named by its id or its name, invalid at once."""
    with connection.client() as client:
        id_ = _id_of(client.tokens.list(), token_)
        client.tokens.revoke(id_)
    if as_json:
        emit_json({"revoked": id_})
    else:
        say(f"revoked {id_}")
    return Exit.DONE


def _id_of(views: Sequence[TokenView], word: str) -> str:
    """The id that a word means; a name means the one valid token that has it."""
    named = [view.id for view in views if view.name == word and not view.revoked_at]
    if len(named) > 1 and word not in {view.id for view in views}:
        raise Conflict(f"{len(named)} valid tokens are called {word}", f"Name one by its id: {', '.join(named)}.")
    return named[0] if len(named) == 1 else word


def _state(view: TokenView) -> CellLike:
    if view.revoked_at:
        return Cell(f"revoked {age(view.revoked_at)}", BAD)
    return Cell(f"valid until {view.expires_at}" if view.expires_at else "valid", GOOD)
