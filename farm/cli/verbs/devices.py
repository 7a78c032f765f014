"""`farm devices`: the machines of the farm."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional, Sequence, Tuple

import click

from farm.protocol.codec import loads
from farm.protocol.errors import Invalid
from farm.protocol.exits import Exit
from farm.protocol.facts import DeviceFacts
from farm.protocol.model import check_name
from farm.protocol.views import DeviceView

from ..console import columns, emit_fields, emit_json, emit_table, say
from ..context import Connection
from ..facts_text import facts_fields
from ..format import CellLike, age, dim, size, word
from ..options import json_option, noun, option
from ..stored import DEVICES, stored

_COLUMNS = columns("device, state, roles, targets~, select it with~, slots, seen")


@noun()
def devices() -> None:
    """List, show, record, drain and retire devices."""


@devices.command("list")
@json_option
@click.pass_obj
def list_(connection: Connection, as_json: bool) -> int:
    """List devices, and the words that select each of them."""
    with connection.client() as client:
        views = client.devices.list()
    if as_json:
        emit_json({"devices": views})
    else:
        emit_table(_COLUMNS, [_row(view) for view in views], "no devices; start one with farm worker start")
    return Exit.DONE


@devices.command("show")
@click.argument("device", shell_complete=stored(DEVICES))
@json_option
@click.pass_obj
def show(connection: Connection, device: str, as_json: bool) -> int:
    """Show everything measured on a device."""
    with connection.client() as client:
        view = client.devices.show(device)
    if as_json:
        emit_json(view)
        return Exit.DONE
    telemetry = ", ".join(_measured(name, value) for name, value in view.telemetry.items())
    emit_fields(
        [
            ("device", view.name),
            ("state", word(view.state)),
            ("roles", ", ".join(str(role) for role in view.roles)),
            ("targets", "\n".join(view.targets)),
            ("select it with", ", ".join(view.words)),
            ("slots", ", ".join(view.slots)),
            ("busy with", ", ".join(view.busy)),
            ("seen", age(view.last_seen_at)),
            ("telemetry", telemetry),
            *facts_fields(view.facts),
        ]
    )
    return Exit.DONE


@devices.command("add")
@option("--facts", required=True, type=click.Path(), metavar="FILE", help="Recorded facts, as farm doctor --facts.")
@option("--name", metavar="NAME", help="Of the device; by default its recorded host name.")
@json_option
@click.pass_obj
def add(connection: Connection, facts: str, name: Optional[str], as_json: bool) -> int:
    """Register the recorded facts of a device that is not here, to plan for it."""
    found = read_facts(Path(facts))
    with connection.client() as client:
        view = client.devices.add(check_name(name or found.hostname, "device name"), found)
    _done("recorded", [view], as_json)
    return Exit.DONE


@devices.command("drain")
@click.argument("names", nargs=-1, required=True, metavar="DEVICE...", shell_complete=stored(DEVICES))
@json_option
@click.pass_obj
def drain(connection: Connection, names: Sequence[str], as_json: bool) -> int:
    """Let devices finish what runs and claim no more."""
    with connection.client() as client:
        _done("draining", [client.devices.drain(name) for name in names], as_json)
    return Exit.DONE


@devices.command("undrain")
@click.argument("names", nargs=-1, required=True, metavar="DEVICE...", shell_complete=stored(DEVICES))
@json_option
@click.pass_obj
def undrain(connection: Connection, names: Sequence[str], as_json: bool) -> int:
    """Let devices claim again."""
    with connection.client() as client:
        _done("claiming again", [client.devices.undrain(name) for name in names], as_json)
    return Exit.DONE


@devices.command("retire")
@click.argument("names", nargs=-1, required=True, metavar="DEVICE...", shell_complete=stored(DEVICES))
@json_option
@click.pass_obj
def retire(connection: Connection, names: Sequence[str], as_json: bool) -> int:
    """Take devices out of the farm; their engines stay."""
    with connection.client() as client:
        _done("retired", [client.devices.retire(name) for name in names], as_json)
    return Exit.DONE


def read_facts(path: Path) -> DeviceFacts:
    """Facts that were written to a file.

    Raises: Invalid: it cannot be read, or holds something else.
    """
    try:
        return loads(DeviceFacts, path.read_bytes())
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}", "Record facts with farm doctor --facts FILE.") from error
    except Invalid as error:
        message = f"{path} does not hold the facts of a device: {error.message}"
        raise Invalid(message, "Record them with farm doctor --facts FILE.") from error


def _measured(name: str, value: float) -> str:
    words = name.replace("_", " ")
    return f"{words[: -len(' bytes')]} {size(int(value))}" if words.endswith(" bytes") else f"{words} {value:g}"


def _done(what: str, views: List[DeviceView], as_json: bool) -> None:
    if as_json:
        emit_json({"devices": views})
    for view in () if as_json else views:
        say(f"{view.name}: {what}")


def _row(view: DeviceView) -> Tuple[CellLike, ...]:
    slots = f"{len(view.busy)} of {len(view.slots)} busy" if view.slots else "-"
    return (
        view.name,
        word(view.state),
        ", ".join(str(role) for role in view.roles),
        "\n".join(view.targets) or "-",
        ", ".join(view.words),
        slots,
        dim(age(view.last_seen_at)),
    )
