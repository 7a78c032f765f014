"""`farm plugin`: operators that ONNX does not have, written once and compiled by each device."""

from __future__ import annotations

from typing import Any, List, Optional, Sequence, Tuple

import click

from farm.protocol.exits import Exit
from farm.protocol.plugin_views import PluginDetail, PluginView
from farm.protocol.plugins import PluginAttribute, PluginLibrary, PluginManifest

from ..build_options import with_options
from ..console import columns, emit_fields, emit_json, emit_table, out, say
from ..context import Connection
from ..format import CellLike, age, dim, duration, short, size
from ..options import json_option, noun, option
from ..stored import DEVICES, PLUGINS, TARGETS, stored
from ..submitted import WAIT_OPTIONS, Stay
from ..transfers import transfers
from ..words import split_targets

_COLUMNS = columns("plugin, operators~, source, from, changed~, libraries>, purpose~")
_TENSORS = columns("tensor, types~, axes, shape~")
_ATTRIBUTES = columns("attribute, type, default, allowed~, meaning~")
_LIBRARIES = columns("library, target~, group, by, took>, size>, compiled~, compilers~")


@noun()
def plugin() -> None:
    """List, show, add, remove, make and compile plugins."""


@plugin.command("list")
@json_option
@click.pass_obj
def list_(connection: Connection, as_json: bool) -> int:
    """List plugins: those that came with farm, and those that users added."""
    with connection.client() as client:
        found = client.plugins.list()
    if as_json:
        emit_json({"plugins": found})
    else:
        emit_table(_COLUMNS, [_row(view) for view in found], "no plugins; farm plugin add DIR adds one")
    return Exit.DONE


@plugin.command("show")
@click.argument("name", shell_complete=stored(PLUGINS))
@json_option
@click.pass_obj
def show(connection: Connection, name: str, as_json: bool) -> int:
    """Show one plugin: its operator, its sources, and the libraries that devices made of them."""
    with connection.client() as client:
        found = client.plugins.show(name)
    if as_json:
        emit_json(found)
        return Exit.DONE
    emit_fields(_fields(found))
    _emit_operator(found.manifest)
    if found.libraries:
        out()
        emit_table(_LIBRARIES, [_library(item) for item in found.libraries])
    return Exit.DONE


@plugin.command("add")
@click.argument("folder", type=click.Path(exists=True, file_okay=False), metavar="DIR")
@json_option
@click.pass_obj
def add(connection: Connection, folder: str, as_json: bool) -> int:
    """Add the plugin in a folder, or its new sources; models with its operators use it from now on."""
    with connection.client() as client, transfers() as progress:
        found = client.plugins.add(folder, progress)
    if as_json:
        emit_json(found)
    else:
        view = found.plugin
        say(f"{view.name} {short(view.source)} computes {', '.join(view.operators)}")
        say(f"compile it now with farm plugin build {view.name} --targets ...")
    return Exit.DONE


@plugin.command("rm")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=stored(PLUGINS))
@json_option
@click.pass_obj
def rm(connection: Connection, names: Sequence[str], as_json: bool) -> int:
    """Let models find plugins no more; engines that have them stay as they are."""
    with connection.client() as client:
        views = [client.plugins.remove(name) for name in names]
    if as_json:
        emit_json({"plugins": views})
    for view in () if as_json else views:
        say(f"{view.name}: removed; farm plugin add brings it back")
    return Exit.DONE


@plugin.command("build")
@click.argument("name", metavar="NAME|DIR", shell_complete=stored(PLUGINS))
@option(
    "--targets",
    "-t",
    multiple=True,
    required=True,
    metavar="WORDS",
    shell_complete=stored(TARGETS, DEVICES, listed=True),
    help="Names, aliases, devices, filters, or all.",
)
@option("--force", is_flag=True, help="Compile what did not compile before.")
@with_options(WAIT_OPTIONS)
@json_option
@click.pass_obj
def build(connection: Connection, /, **given: Any) -> int:
    r"""Compile a plugin for targets now, ahead of any model; a folder, such as ./my_op, is added first.

    \b
      farm plugin build my_op --targets xavier,v100 --wait

    One device of each target compiles it, and shares the library with those of its trust group.
    """
    stay = Stay.of(given)
    with connection.client() as client:
        with transfers() as progress:
            view = client.plugins.build(given["name"], split_targets(given["targets"]), given["force"], progress)
        return stay.tell(client, view)


@plugin.command("new")
@click.argument("name")
@option("--operator", metavar="NAME", help="Its operator in models; by default the name in words without _.")
@option("--output", "-o", metavar="DIR", type=click.Path(), help="Where to make its folder; by default here.")
@json_option
def new(name: str, operator: Optional[str], output: Optional[str], as_json: bool) -> int:
    """Make the folder of a plugin that compiles and has tests: a small real operator, to be changed into yours."""
    from farm.plugins.new import make_folder

    made = make_folder(name, operator, output or ".")
    if as_json:
        emit_json({"folder": str(made), "files": sorted(path.name for path in made.iterdir())})
    else:
        out(str(made))
        say(f"test it with python -m pytest {made}, then farm plugin add {made}")
    return Exit.DONE


def _fields(found: PluginDetail) -> List[Tuple[str, CellLike]]:
    view = found.plugin
    return [
        ("plugin", f"{view.name} {view.version}"),
        ("purpose", view.purpose),
        ("operators", ", ".join(view.operators)),
        ("TensorRT", f"{view.minimum_tensorrt} or later"),
        ("source", view.source),
        ("files", ", ".join(item.name for item in found.source.files)),
        ("shared", f"{len(found.source.common)} files {short(found.source.common_digest)}"),
        ("from", f"{'farm' if view.builtin else view.updated_by}, {age(view.updated_at)}"),
    ]


def _emit_operator(manifest: PluginManifest) -> None:
    sides = (("in", manifest.inputs), ("out", manifest.outputs))
    tensors: List[Tuple[CellLike, ...]] = [
        (
            f"{side} {item.name}",
            ", ".join(item.dtypes),
            ", ".join(map(str, item.ranks)) or "any",
            f"{item.shape}{' (may be left out)' if item.optional else ''}",
        )
        for side, items in sides
        for item in items
    ]
    if tensors:
        out()
        emit_table(_TENSORS, tensors)
    if manifest.attributes:
        out()
        rows: List[Tuple[CellLike, ...]] = [
            (
                item.name,
                item.type,
                _default(item),
                item.allowed,
                item.meaning,
            )
            for item in manifest.attributes
        ]
        emit_table(_ATTRIBUTES, rows)


def _default(item: PluginAttribute) -> str:
    return "required" if item.default is None else str(item.default)


def _row(view: PluginView) -> Tuple[CellLike, ...]:
    return (
        view.name,
        ", ".join(view.operators),
        short(view.source),
        dim("farm") if view.builtin else view.updated_by,
        dim(age(view.updated_at)),
        str(view.libraries),
        dim(view.purpose),
    )


def _library(item: PluginLibrary) -> Tuple[CellLike, ...]:
    return (
        short(item.sha256),
        item.target,
        item.trust_group,
        item.device,
        duration(item.compile_s),
        size(item.size_bytes),
        dim(age(item.created_at)),
        dim(", ".join(f"{name} {version}" for name, version in sorted(item.compilers.items()))),
    )
