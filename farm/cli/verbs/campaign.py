"""`farm campaign`: bring what lives to another toolchain, look at what that changes, then promote it or go back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Mapping, Optional, Tuple

import click

from farm.protocol.campaigns import CampaignDetail, CampaignView
from farm.protocol.errors import Invalid
from farm.protocol.exits import Exit

from ..build_options import with_options
from ..campaign_text import Lines, emit_campaign, states_text
from ..console import INTERRUPTED, columns, emit_json, emit_table, out, say, watched
from ..context import Connection
from ..format import CellLike, age, dim, word
from ..options import json_option, noun, option
from ..stored import CAMPAIGNS, MODELS, TARGETS, stored
from ..submitted import WAIT_OPTIONS
from ..words import pairs, percent, seconds, split_names, split_targets

if TYPE_CHECKING:
    from farm.client import FarmClient

# Each verb after the first two is about one campaign.
_one = click.argument("campaign", metavar="CAMPAIGN", shell_complete=stored(CAMPAIGNS))
_COLUMNS = columns("campaign, state, toolchain, targets~, engines~, started~, by~")
_WRITE = "Name one with --trt-version 10.16, or --toolchain onnxruntime=1.31."


@noun()
def campaign() -> None:
    """Build every live model on another toolchain, compare, then promote or roll back."""


@campaign.command("start")
@option("--trt-version", metavar="VERSION", help="Of TensorRT, as far as it matters: 10.16 is also 10.16.1.11.")
@option("--toolchain", metavar="NAME=VERSION", help="Another one: onnxruntime=1.31, tensorrt_rtx=1.7.")
@option(
    "-t",
    "--targets",
    multiple=True,
    metavar="WORDS",
    help="What is upgraded, as for submit; by default all.",
    shell_complete=stored(TARGETS, listed=True),
)
@option(
    "--models",
    multiple=True,
    metavar="NAMES",
    help="Only these; by default every live one.",
    shell_complete=stored(MODELS, listed=True),
)
@option("--fail-if-slower", metavar="PERCENT", help="Hold it if a median grows by more, and by more than noise: 5%.")
@option("--priority", type=int, default=-10, show_default=True, help="Of its builds, behind what people wait for.")
@with_options(WAIT_OPTIONS)
@json_option
@click.pass_obj
def start(connection: Connection, /, **given: Any) -> int:
    r"""Build every live model anew: devices fetch what they did until it is promoted.

    \b
      farm campaign start --trt-version 10.16 --targets rtx4090 --fail-if-slower 5% --wait
    """
    backend, version = _toolchain(given["trt_version"], given["toolchain"])
    limit = percent("--fail-if-slower", given["fail_if_slower"]) if given["fail_if_slower"] else None
    with connection.client() as client:
        detail = client.campaigns.start(
            backend,
            version,
            split_targets(given["targets"]) or ("all",),
            split_names(given["models"]),
            limit,
            given["priority"],
        )
        if given["wait"] or given["watch"]:
            return _finish(client, detail.campaign.id, given)
    if given["as_json"]:
        emit_json(detail)
    else:
        out(detail.campaign.id)
        say(f"{len(detail.items)} engines are built anew with {detail.campaign.backend} {detail.campaign.version}")
        say(f"follow it with farm campaign show {detail.campaign.id} --watch")
    return Exit.DONE


@campaign.command("list")
@json_option
@click.pass_obj
def list_(connection: Connection, as_json: bool) -> int:
    """List campaigns, newest first."""
    with connection.client() as client:
        found = client.campaigns.list()
    if as_json:
        emit_json({"campaigns": found})
    else:
        emit_table(_COLUMNS, [_row(view) for view in found], "no campaigns; farm campaign start begins one")
    return Exit.DONE


@campaign.command("show")
@_one
@with_options(WAIT_OPTIONS)
@json_option
@click.pass_obj
def show(connection: Connection, /, **given: Any) -> int:
    """Show each new engine beside its former one: latency, size and error."""
    with connection.client() as client:
        if given["wait"] or given["watch"]:
            return _finish(client, given["campaign"], given)
        return _told(client.campaigns.show(given["campaign"]), given["as_json"])


@campaign.command("promote")
@_one
@option("--force", is_flag=True, help="Whatever stands against it; what failed keeps its former engine.")
@json_option
@click.pass_obj
def promote(connection: Connection, campaign: str, force: bool, as_json: bool) -> int:
    """Let devices fetch the new engines."""
    with connection.client() as client:
        return _told(client.campaigns.promote(campaign, force), as_json)


@campaign.command("hold")
@_one
@option("--reason", default="", metavar="TEXT", help="For whoever looks at it.")
@json_option
@click.pass_obj
def hold(connection: Connection, campaign: str, reason: str, as_json: bool) -> int:
    """Mark it as not to be promoted yet; what is built goes on."""
    with connection.client() as client:
        return _told(client.campaigns.hold(campaign, reason), as_json)


@campaign.command("retry")
@_one
@json_option
@click.pass_obj
def retry(connection: Connection, campaign: str, as_json: bool) -> int:
    """Build again what failed, or is slower than allowed."""
    with connection.client() as client:
        return _told(client.campaigns.retry(campaign), as_json)


@campaign.command("rollback")
@_one
@json_option
@click.pass_obj
def rollback(connection: Connection, campaign: str, as_json: bool) -> int:
    """Let devices fetch what they did before; what is still built is cancelled."""
    with connection.client() as client:
        return _told(client.campaigns.roll_back(campaign), as_json)


@campaign.command("close")
@_one
@json_option
@click.pass_obj
def close(connection: Connection, campaign: str, as_json: bool) -> int:
    """Let go of the former engines of a promoted campaign; there is no way back then."""
    with connection.client() as client:
        return _told(client.campaigns.close(campaign), as_json)


def _toolchain(trt_version: Optional[str], toolchain: Optional[str]) -> Tuple[str, str]:
    """Backend and version.

    Raises: Invalid: none is named, or two are.
    """
    if bool(trt_version) is bool(toolchain):
        raise Invalid("no toolchain is named" if not toolchain else "two toolchains are named", _WRITE)
    if trt_version:
        return "tensorrt", trt_version
    ((backend, version),) = pairs("--toolchain", (toolchain or "",), str, "onnxruntime=1.31").items()
    return backend, version


def _finish(client: FarmClient, campaign_id: str, given: Mapping[str, Any]) -> int:
    """Wait for the end of its builds, print what became of them, and return the exit code of the worst."""
    timeout_s = seconds("--timeout", given["timeout"]) if given["timeout"] else None
    lines = Lines() if given["watch"] or watched() else None
    try:
        detail = client.campaigns.wait(campaign_id, lines.tell if lines else None, timeout_s)
    except KeyboardInterrupt:
        say(f"detached: {campaign_id} goes on. Come back with farm campaign show {campaign_id} --watch")
        return INTERRUPTED
    _told(detail, given["as_json"])
    return int(detail.exit_code or Exit.DONE)


def _told(detail: CampaignDetail, as_json: bool) -> int:
    if as_json:
        emit_json(detail)
    else:
        emit_campaign(detail)
    return Exit.DONE


def _row(view: CampaignView) -> Tuple[CellLike, ...]:
    return (
        view.id,
        word(str(view.state).replace("_", " ")),
        f"{view.backend} {view.version}",
        ", ".join(view.targets),
        states_text(view),
        dim(age(view.created_at)),
        view.created_by,
    )
