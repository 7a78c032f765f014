"""`farm timing-caches`: what builds of one class of device and one TensorRT know of each other's timings."""

from __future__ import annotations

from typing import Optional, Sequence, Tuple

import click

from farm.protocol.exits import Exit
from farm.protocol.timing import TimingCacheVersion, TimingCacheView

from ..console import columns, emit_fields, emit_json, emit_table, out, say
from ..context import Connection
from ..format import Cell, CellLike, age, dim, short, size
from ..options import json_option, noun, option
from ..stored import TIMING_CACHES, stored

_COLUMNS = columns("timing cache, of~, state, size>, swaps>, changed~, certified")
_VERSION_COLUMNS = columns("state~, size>, made~, by~, build")


@noun("timing-caches")
def timing_caches() -> None:
    """List, show, certify and drop the timing caches of the fleet."""


@timing_caches.command("list")
@json_option
@click.pass_obj
def list_(connection: Connection, as_json: bool) -> int:
    """List timing caches: one for each class of device and TensorRT."""
    with connection.client() as client:
        found = client.timing_caches.list()
    if as_json:
        emit_json({"timing_caches": found})
    else:
        emit_table(_COLUMNS, [_row(view) for view in found], "no timing caches; builds with TensorRT make them")
    return Exit.DONE


@timing_caches.command("show")
@click.argument("cache", shell_complete=stored(TIMING_CACHES))
@json_option
@click.pass_obj
def show(connection: Connection, cache: str, as_json: bool) -> int:
    """Show one timing cache with its states that are still stored."""
    with connection.client() as client:
        view = client.timing_caches.show(cache)
    if as_json:
        emit_json(view)
        return Exit.DONE
    emit_fields(
        [
            ("timing cache", view.id),
            ("of", view.label),
            ("state", view.sha256 or dim("dropped; the next build begins empty")),
            ("size", size(view.size_bytes)),
            ("swaps", str(view.swaps)),
            ("changed", age(view.updated_at)),
            ("certified", view.certified or dim("nothing")),
            ("by", f"{view.certified_by}, {age(view.certified_at)}" if view.certified_at else ""),
        ]
    )
    if view.versions:
        out()
        emit_table(_VERSION_COLUMNS, [_version(item) for item in view.versions])
    return Exit.DONE


@timing_caches.command("certify")
@click.argument("cache", shell_complete=stored(TIMING_CACHES))
@option("--state", metavar="SHA256", help="A stored state; by default the newest.")
@json_option
@click.pass_obj
def certify(connection: Connection, cache: str, state: Optional[str], as_json: bool) -> int:
    """Pin a state for builds with --timing-cache certified: they read it, and nothing changes it."""
    with connection.client() as client:
        _done("certified", client.timing_caches.certify(cache, state), as_json)
    return Exit.DONE


@timing_caches.command("uncertify")
@click.argument("cache", shell_complete=stored(TIMING_CACHES))
@json_option
@click.pass_obj
def uncertify(connection: Connection, cache: str, as_json: bool) -> int:
    """Let no state be certified; engines that were built with it stay."""
    with connection.client() as client:
        _done("nothing is certified", client.timing_caches.uncertify(cache), as_json)
    return Exit.DONE


@timing_caches.command("drop")
@click.argument("caches", nargs=-1, required=True, metavar="CACHE...", shell_complete=stored(TIMING_CACHES))
@json_option
@click.pass_obj
def drop(connection: Connection, caches: Sequence[str], as_json: bool) -> int:
    """Let the next builds begin empty; what is certified stays."""
    with connection.client() as client:
        views = [client.timing_caches.drop(cache) for cache in caches]
    if as_json:
        emit_json({"timing_caches": views})
    for view in () if as_json else views:
        _done("dropped", view, as_json)
    return Exit.DONE


def _done(what: str, view: TimingCacheView, as_json: bool) -> None:
    if as_json:
        emit_json(view)
    else:
        state = f" {short(view.certified)}" if view.certified and what == "certified" else ""
        say(f"{view.id} ({view.label}): {what}{state}")


def _version(item: TimingCacheVersion) -> Tuple[CellLike, ...]:
    return item.sha256, size(item.size_bytes), dim(age(item.created_at)), item.device, item.build


def _row(view: TimingCacheView) -> Tuple[CellLike, ...]:
    return (
        view.id,
        view.label,
        short(view.sha256) if view.sha256 else Cell("dropped", "dim"),
        size(view.size_bytes),
        str(view.swaps),
        dim(age(view.updated_at)),
        short(view.certified) if view.certified else dim("-"),
    )
