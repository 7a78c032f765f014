"""`farm models`."""

from __future__ import annotations

from typing import Optional

import click

from farm.protocol.exits import Exit

from ..console import columns, emit_fields, emit_json, emit_table
from ..context import Connection
from ..format import age, dim, short, size
from ..options import json_option, verb
from ..stored import MODELS, stored

_COLUMNS = columns("name, model, size>, engines>, updated")


@verb()
@click.argument("name", required=False, shell_complete=stored(MODELS))
@json_option
@click.pass_obj
def models(connection: Connection, name: Optional[str], as_json: bool) -> int:
    """List model names and the digests they point at; with a name, what it pointed at before."""
    with connection.client() as client:
        if name is not None:
            found = client.models.show(name)
            if as_json:
                emit_json(found)
                return Exit.DONE
            emit_fields(
                [
                    ("name", found.name),
                    ("model", found.model),
                    ("size", size(found.size_bytes)),
                    ("updated", age(found.updated_at)),
                    ("engines", str(found.engines)),
                    ("earlier", "\n".join(found.earlier)),
                ]
            )
            return Exit.DONE
        views = client.models.list()
    if as_json:
        emit_json({"models": views})
        return Exit.DONE
    rows = [
        (view.name, dim(short(view.model)), size(view.size_bytes), str(view.engines), dim(age(view.updated_at)))
        for view in views
    ]
    emit_table(_COLUMNS, rows, "no models")
    return Exit.DONE
