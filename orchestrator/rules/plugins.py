"""Which plugins a graph takes, and what a library may be: named ones first, then those that have its operators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from farm.backends.options import TENSORRT
from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.hardware import cards_ahead
from farm.protocol.errors import Unsupported
from farm.protocol.keys import RequestKey
from farm.protocol.plugins import PluginKey, PluginSource, plugin_key
from farm.protocol.target import BuildTarget


@dataclass(frozen=True)
class Known:
    """A plugin that a graph could take."""

    name: str
    source: str
    operators: tuple[str, ...]
    minimum_tensorrt: str
    builtin: bool = False


@dataclass(frozen=True)
class Chosen:
    """The plugins of an engine, as its key has them, and why some cannot be had, one sentence each."""

    plugins: dict[str, str]
    problems: tuple[str, ...] = ()


def choose(
    target: BuildTarget, operators: Iterable[str] | None, named: Sequence[Known], known: Sequence[Known]
) -> Chosen:
    """The plugins that an engine takes.

    What comes with farm is found before what users have added, so that nobody changes the engines of others by adding
    a plugin; naming one overrides.

    Args:
        target: What the engine is built for.
        operators: What of the graph takes a plugin, with domains, which do not count; None while nobody knows.
        named: Taken whatever the graph has.
        known: Where the others are found.
    """
    words = ", ".join(item.name for item in named)
    if target.backend not in TENSORRT:
        # Its runtime may know the operator itself; else its builder tells that it does not.
        told = f"{target.backend} {target.backend_version} takes no plugins, and {words} is asked for"
        return Chosen({}, (told,) if named else ())
    chosen = list(named)
    problems = []
    for operator in dict.fromkeys(item.rpartition("::")[2] for item in operators or ()):
        if any(operator in item.operators for item in chosen):
            continue
        having = [item for item in known if operator in item.operators]
        found = [item for item in having if item.builtin] or having
        if len(found) > 1:
            several = ", ".join(sorted(item.name for item in found))
            problems.append(f"{len(found)} plugins have the operator {operator}: {several}; name one with --plugins")
        chosen += found[:1]
    problems += [told for item in chosen for told in _misfits(item, target)]
    return Chosen({item.name: item.source for item in sorted(chosen, key=lambda item: item.name)}, tuple(problems))


def key_for(asked: PluginKey, plugin: str, source: PluginSource, request: RequestKey) -> PluginKey:
    """The key that a library of this source must have in a build; compilers and flags are the word of its device.

    Raises: Unsupported: nothing is compiled for that target.
    """
    target = request.target
    if target.backend not in TENSORRT:
        raise Unsupported(f"{target.backend} {target.backend_version} takes no plugins")
    cards = (target.gpu.compute_capability,) if target.gpu else cards_ahead(request.options)
    return plugin_key(plugin, source, target, cards, asked.compilers, asked.flags)


def _misfits(item: Known, target: BuildTarget) -> tuple[str, ...]:
    try:
        can = capabilities_of(target.backend_version, rtx=target.backend == "tensorrt_rtx")
    except Unsupported:
        return ()  # which is told already
    wanted = tuple(int(part) for part in item.minimum_tensorrt.split(".")[:2])
    if can.api >= wanted:
        return ()
    told = f"{target.backend} {target.backend_version}"
    return (f"the plugin {item.name} needs TensorRT {item.minimum_tensorrt} or later, and the target has {told}",)
