"""`farm gc`."""

from __future__ import annotations

import click

from farm.protocol.exits import Exit

from ..console import emit_json, out
from ..context import Connection
from ..format import size
from ..options import json_option, option, verb


@verb()
@option("--dry-run", is_flag=True, help="Only say what would be removed.")
@json_option
@click.pass_obj
def gc(connection: Connection, dry_run: bool, as_json: bool) -> int:
    """Remove what nothing refers to: old engines that are not pinned, and files of none."""
    with connection.client() as client:
        sweep = client.gc(dry_run)
    if as_json:
        emit_json(sweep)
        return Exit.DONE
    done = "would remove" if sweep.dry_run else "removed"
    what = f"{sweep.blobs} files ({size(sweep.bytes)}) and {len(sweep.engines)} engines"
    out(f"{done} {what}; {sweep.kept_pinned} pinned")
    for engine in sweep.engines:
        out(f"  {engine}")
    return Exit.DONE
