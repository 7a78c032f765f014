"""`farm targets`: the words that may follow `--targets`."""

from __future__ import annotations

from typing import Sequence

import click

from farm.protocol.exits import Exit
from farm.protocol.model import check_name

from ..console import columns, emit_json, emit_table, say
from ..context import Connection
from ..format import dim
from ..options import json_option, noun, option
from ..stored import TARGETS, stored
from ..words import split_names

_COLUMNS = columns("target, aliases~, filter~, devices now~, description~, farm was run with~")


@noun()
def targets() -> None:
    """List, add and remove target words."""


@targets.command("list")
@json_option
@click.pass_obj
def list_(connection: Connection, as_json: bool) -> int:
    """List target words, what they mean, who serves them now, and what farm itself was run with there."""
    with connection.client() as client:
        views = client.targets.list()
    if as_json:
        emit_json({"targets": views})
        return Exit.DONE
    rows = [
        (
            view.name,
            ", ".join(view.aliases),
            view.filter,
            ", ".join(view.devices) or dim("none"),
            dim(view.description if view.builtin else f"{view.description} (own)".strip()),
            dim(view.tried or "-"),
        )
        for view in views
    ]
    emit_table(_COLUMNS, rows, "no targets")
    return Exit.DONE


@targets.command("add")
@click.argument("name", shell_complete=stored(TARGETS))
@click.argument("filter_", metavar="FILTER")
@option("--alias", "aliases", multiple=True, metavar="WORDS", help="Other words for it.")
@option("--description", default="", metavar="TEXT", help="For the list.")
@json_option
@click.pass_obj
def add(
    connection: Connection, name: str, filter_: str, aliases: Sequence[str], description: str, as_json: bool
) -> int:
    """Give a filter a name: farm targets add big 'sm>=80,mem>=16GiB'."""
    with connection.client() as client:
        view = client.targets.add(check_name(name, "target"), filter_, split_names(aliases), description)
    if as_json:
        emit_json(view)
    else:
        say(f"{view.name} means {view.filter}; served now by {', '.join(view.devices) or 'no device'}")
    return Exit.DONE


@targets.command("rm")
@click.argument("name", shell_complete=stored(TARGETS))
@json_option
@click.pass_obj
def remove(connection: Connection, name: str, as_json: bool) -> int:
    """Forget an own word."""
    with connection.client() as client:
        client.targets.remove(name)
    if as_json:
        emit_json({"removed": name})
    else:
        say(f"removed {name}")
    return Exit.DONE
