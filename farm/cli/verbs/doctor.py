"""`farm doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Optional, Sequence

import click

from farm.protocol.codec import dumps
from farm.protocol.errors import Invalid
from farm.protocol.exits import Exit

from ..console import columns, emit_json, emit_table, out, say, watched
from ..context import Connection
from ..format import dim, word
from ..options import json_option, option, verb

if TYPE_CHECKING:
    from farm.device.checks.check import Check
    from farm.device.machine import Machine

_COLUMNS = columns("check, state, found~, how to mend it~")
_TO_STDOUT = "-"


@verb()
@option("--facts", type=click.Path(), metavar="FILE", help="Only write what was measured: - for standard output.")
@option("--folder", type=click.Path(), default=".", metavar="DIR", help="Where the farm shall keep its files.")
@json_option
@click.pass_obj
def doctor(connection: Connection, facts: Optional[str], folder: str, as_json: bool) -> int:
    """Check driver, CUDA, TensorRT, compilers, Docker, disk, clock, coordinator and broker, and say how to mend each.

    The exit code is 1 if something is there and does not work. What only some builds need is a warning.
    """
    from farm.device.doctor import run_checks
    from farm.device.machine import Machine

    settings = connection.settings()
    machine = Machine(search=settings.toolchain)
    if facts is not None:
        return _write_facts(machine, facts)
    if watched():
        say("measuring this machine")
    checks = run_checks(settings.url or None, settings.token or None, settings.broker_url, Path(folder), machine)
    if as_json:
        emit_json({"checks": checks})
    else:
        _emit(checks)
    return Exit.BUILD_FAILED if any(str(item.status) == "fail" for item in checks) else Exit.DONE


def _emit(checks: Sequence[Check]) -> None:
    emit_table(_COLUMNS, [(item.name, word(item.status), item.found, dim(item.mend)) for item in checks])


def _write_facts(machine: Machine, path: str) -> int:
    from farm.device.probe import probe

    text = dumps(probe(machine))
    if path == _TO_STDOUT:
        out(text)
        return Exit.DONE
    try:
        Path(path).write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise Invalid(f"cannot write {path}: {error.strerror}", "Choose another place.") from error
    say(f"wrote {path}; register it with farm devices add --facts {path}")
    return Exit.DONE
