"""`farm key`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, List, Optional, Tuple

import click

from farm.protocol.codec import to_json
from farm.protocol.exits import Exit
from farm.protocol.keys import RequestKey, differences

from ..console import Column, emit_fields, emit_json, emit_table, say
from ..context import Connection
from ..options import json_option, verb
from ..stored import ENGINES, stored

if TYPE_CHECKING:
    from farm.client import FarmClient


@verb()
@click.argument("one", metavar="A", shell_complete=stored(ENGINES))
@click.argument("other", metavar="[B]", required=False, shell_complete=stored(ENGINES))
@json_option
@click.pass_obj
def key(connection: Connection, one: str, other: Optional[str], as_json: bool) -> int:
    """Show the request key of A, field by field, or the fields in which A and B differ.

    Each is the id of an engine, build or request, a key, a model name, or the folder of a fetched engine.
    """
    from contextlib import ExitStack

    with ExitStack() as stack:
        found = [_found(connection, stack, name) for name in (one, other) if name is not None]
    if len(found) == 1:
        digest, value = found[0]
        if as_json:
            emit_json({"digest": digest, "key": value})
        else:
            emit_fields([("key", digest), *((path, _text(leaf)) for path, leaf in _leaves("", to_json(value)))])
        return Exit.DONE
    differ = differences(found[0][1], found[1][1])
    if as_json:
        emit_json({"left": found[0][0], "right": found[1][0], "differences": list(differ)})
    elif not differ:
        say(f"the same key: {found[0][0]}")
    else:
        heads = (Column("FIELD"), Column(one, wraps=True), Column(other or "", wraps=True))
        emit_table(heads, [(item.path, _text(item.left), _text(item.right)) for item in differ])
    return Exit.DONE


def _found(connection: Connection, stack: Any, name: str) -> Tuple[str, RequestKey]:
    from farm.runtime.bundle import is_bundle, read_manifest

    if is_bundle(Path(name)):
        local = read_manifest(Path(name)).key
        return local.digest, local
    client: FarmClient = stack.enter_context(connection.client())
    view = client.key(name)
    return view.digest, view.key


def _leaves(path: str, value: Any) -> List[Tuple[str, Any]]:
    if isinstance(value, dict) and value:
        return [leaf for name in value for leaf in _leaves(f"{path}.{name}" if path else name, value[name])]
    if isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value):
        return [leaf for index, item in enumerate(value) for leaf in _leaves(f"{path}[{index}]", item)]
    return [(path, value)]


def _text(value: Any) -> str:
    if isinstance(value, list) and value:
        return ("x" if all(isinstance(item, int) for item in value) else ", ").join(map(str, value))
    return value if isinstance(value, str) else "-" if value is None else json.dumps(value, ensure_ascii=False)
