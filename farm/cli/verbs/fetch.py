"""`farm fetch`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, Optional, Sequence

import click

from farm.protocol.errors import Conflict, NoEngine
from farm.protocol.exits import Exit
from farm.protocol.options import Precision
from farm.protocol.requirement import Tier
from farm.protocol.submit import Candidate, FetchAsk

from ..console import columns, emit_json, emit_table, out, say
from ..context import Connection
from ..engine_text import latency_text
from ..facts_source import device_option, facts_of
from ..format import dim, short, word
from ..options import json_option, option, verb
from ..stored import MODELS, stored
from ..transfers import transfers

if TYPE_CHECKING:
    from farm.client import FarmClient, Fetched

_COLUMNS = columns("engine, target~, precision, fit, why not~")


@verb()
@click.argument("name", shell_complete=stored(MODELS))
@option("--output", "-o", type=click.Path(), metavar="DIR", help="Where to; by default a folder called NAME.")
@device_option
@option(
    "--allow",
    type=click.Choice([str(item) for item in Tier]),
    default=str(Tier.SAME_MODEL),
    show_default=True,
    help="The worst fit to accept.",
)
@option("--precision", type=click.Choice([str(item) for item in Precision]), help="Choose among variants.")
@option("--key", metavar="KEY", help="Exactly this engine key.")
@option("--model", metavar="DIGEST", help="An earlier model of the name, by its digest in farm models NAME.")
@option("--force", is_flag=True, help="Replace the engine of another model in the folder, too.")
@option("--explain", is_flag=True, help="Show every engine that was considered and why not; bring nothing.")
@option("--print-path", is_flag=True, help="Print nothing but the folder.")
@json_option
@click.pass_obj
def fetch(
    connection: Connection,
    name: str,
    output: Optional[str],
    device: str,
    allow: str,
    precision: Optional[str],
    key: Optional[str],
    model: Optional[str],
    force: bool,
    explain: bool,
    print_path: bool,
    as_json: bool,
) -> int:
    """Bring the engine of a model that fits this device, whole or not at all.

    A folder that holds this engine is kept; one that holds another engine of this model is replaced in one step; any
    other is left alone.
    """
    facts = facts_of(connection, device)
    ask = FetchAsk(name, facts, Tier(allow), Precision(precision) if precision else None, key, model)
    with connection.client() as client:
        if explain:
            return _explain(client, ask, as_json)
        try:
            answer = client.find_engine(ask)
        except NoEngine as error:
            _say_refusals(error)
            raise
        with transfers() as progress:
            fetched = client.take(answer, Path(output or name), progress, force)
    _emit(fetched, print_path, as_json)
    return Exit.DONE


def _emit(fetched: Fetched, print_path: bool, as_json: bool) -> None:
    manifest = fetched.manifest
    if as_json:
        emit_json(_json(fetched))
    elif print_path:
        out(str(fetched.folder))
    else:
        was = "is there already" if fetched.cached else "fetched"
        target = manifest.key.target.label()
        out(f"{manifest.model_name} for {target} ({fetched.tier}) {was}: {fetched.folder}")
        latency = latency_text(manifest.benchmark)
        say(f"engine {fetched.engine}, {latency if isinstance(latency, str) else latency.text}")


def _json(fetched: Fetched) -> Dict[str, Any]:
    manifest = fetched.manifest
    return {
        "folder": str(fetched.folder),
        "engine": fetched.engine,
        "tier": fetched.tier,
        "cached": fetched.cached,
        "name": manifest.model_name,
        "model": manifest.model,
        "key": manifest.key.digest,
        "precision": manifest.key.options.precision,
        "files": list(manifest.files),
    }


def _explain(client: FarmClient, ask: FetchAsk, as_json: bool) -> int:
    from farm.client.fetching import considered_in

    chosen, reason, code = None, "", Exit.DONE
    try:
        answer = client.find_engine(ask)
        chosen, considered = answer.engine, answer.considered
    except (NoEngine, Conflict) as error:
        considered = considered_in(error)
        reason, code = str(error), error.exit_code
    if as_json:
        emit_json({"engine": chosen, "considered": list(considered), "reason": reason})
    else:
        _emit_considered(considered)
        say(reason or f"fetch would bring {chosen}")
    return code


def _emit_considered(considered: Sequence[Candidate]) -> None:
    rows = [
        (
            item.engine,
            item.target,
            f"{item.precision} {short(item.key)}",
            word(item.tier or "refused"),
            dim("\n".join(item.refusals)),
        )
        for item in considered
    ]
    emit_table(_COLUMNS, rows, "there is no engine of this model at all")


def _say_refusals(error: NoEngine) -> None:
    from farm.client.fetching import considered_in

    for item in considered_in(error):
        for refusal in item.refusals:
            say(f"{item.engine} ({item.target}, {item.precision}): {refusal}")
