"""Plugin libraries at one lease: those of the fleet are brought, the others are compiled here and shared.

The coordinator names libraries by their plugin key, and hands out only what a device of this target and trust group has
made. Each is read by its digest before anything is loaded from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Mapping, Optional, Sequence, Tuple

from farm.backends.options import TENSORRT
from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.hardware import cards_ahead
from farm.backends.tensorrt.headers import fitting
from farm.device.headers import all_headers
from farm.device.machine import Machine
from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.model import FileRef
from farm.protocol.plugins import (
    LIBRARY_FOLDER,
    PluginKey,
    PluginLibrary,
    PluginLibraryAnswer,
    PluginLibraryAsk,
    PluginLibraryMade,
    PluginWork,
    library_name,
    plugin_key,
)
from farm.protocol.target import AHEAD_OF_TIME, BuildTarget
from farm.protocol.work import BuildWork
from worker.child.compiling import CompiledLibrary, CompileResult, CompileWork
from worker.child.untrusted import check_left

from .exchange import Exchange

# Compiles what `spec.json` of a folder says. Raises: FarmError, OSError, Stopped.
Compile = Callable[[CompileWork, Path], CompileResult]

COMPILE_FOLDER = "compile"
_UPDATE = "Update coordinator and worker to the same version."


@dataclass(frozen=True)
class Workbench:
    """What is compiled with.

    Attributes:
        toolchain: Versions, as the device enrolled with them.
        machine: Where TensorRT's headers are looked for.
    """

    toolchain: Mapping[str, str] = field(default_factory=dict)
    machine: Machine = field(default_factory=Machine)


class Libraries:
    """The plugin libraries of one build.

    Args:
        exchange: Of the lease.
        bench: See there.
        compile_them: See `Compile`.
        say: Told each sentence that the log of the build should have.
    """

    def __init__(
        self,
        exchange: Exchange,
        bench: Workbench,
        compile_them: Compile,
        say: Callable[[str], None],
    ) -> None:
        self._exchange = exchange
        self._bench = bench
        self._compile = compile_them
        self._say = say

    def bring(self, work: BuildWork, workspace: Path) -> Tuple[PluginLibrary, ...]:
        """Put the library of each plugin of a build into `input/plugins/` of its workspace.

        Returns: What they are, in the order of the plugins.
        Raises: Unsupported: this device cannot compile them. BuildFailed: one does not compile. LeaseLost, GaveUp
        """
        if work.reuse:
            return ()  # they are among the files of the engine
        keys = [(item, key_of(item, work, self._bench)) for item in work.plugins]
        there = {key.digest: self._found(key) for _, key in keys}
        missing = [(item, key) for item, key in keys if there[key.digest] is None]
        if missing:
            there.update(self._made(work, missing, workspace / COMPILE_FOLDER))
        libraries = [library for _, key in keys for library in (there[key.digest],) if library is not None]
        for library in libraries:
            self._exchange.fetch(library.sha256, workspace / "input" / LIBRARY_FOLDER / library_name(library.plugin))
        return tuple(libraries)

    def _found(self, key: PluginKey) -> Optional[PluginLibrary]:
        """What the fleet has under this key, whole."""
        line = self._exchange.line
        ask = partial(line.find_plugin_library, PluginLibraryAsk(line.lease.token, key))
        library = self._exchange.call(ask, f"looking for the library of {key.plugin}").library
        if library is None:
            return None
        if library.key != key.digest or library.plugin != key.plugin:
            raise Invalid(f"the coordinator offers another library than that of {key.plugin}", _UPDATE)
        by = f"compiled by {library.device} in {library.compile_s:g} s"
        self._say(f"the library of {library.plugin} is {library.sha256[:12]}, {by}")
        return library

    def _made(
        self, work: BuildWork, missing: Sequence[Tuple[PluginWork, PluginKey]], folder: Path
    ) -> Dict[str, PluginLibrary]:
        """Compile libraries and share them; by the digests of their keys."""
        keys = tuple(key for _, key in missing)
        for name in ("input", "output"):
            (folder / name).mkdir(parents=True)
        for item, _ in missing:
            for name, sha256 in item.source.layout(item.name).items():
                self._exchange.fetch(sha256, folder / "input" / item.name / name)
        result = self._compile(CompileWork(work.key.target, keys), folder)
        made = {item.plugin: item for item in result.libraries}
        if set(made) != {key.plugin for key in keys}:
            raise Invalid("the compile child left other libraries than it was asked for", "Its log may say why.")
        return {key.digest: self._share(key, made[key.plugin], folder / "output") for key in keys}

    def _share(self, key: PluginKey, item: CompiledLibrary, output: Path) -> PluginLibrary:
        """Store and publish a library; the one of who was first, where somebody was."""
        check_left(output, item.file.name)
        told = PluginLibraryMade(
            token=self._exchange.line.lease.token,
            key=key,
            sha256=item.file.sha256,
            size_bytes=item.file.size_bytes,
            compile_s=item.compile_s,
            compilers=item.compilers,
            inspected=item.inspected,
        )

        def ask() -> PluginLibraryAnswer:
            self._exchange.send(output, (item.file,))
            return self._exchange.line.publish_plugin_library(told)

        library = self._exchange.call(ask, f"sharing the library of {key.plugin}").library
        if library is None:
            raise Invalid(f"the coordinator keeps no library of {key.plugin}", _UPDATE)
        if library.sha256 == item.file.sha256:
            self._exchange.cache.adopt(output / item.file.name, item.file.sha256)
        else:
            self._say(f"{library.device} was first to compile {key.plugin}, and its library is used")
        return library


def files_of(libraries: Sequence[PluginLibrary]) -> Tuple[FileRef, ...]:
    """Libraries as files of an engine."""
    names = (f"{LIBRARY_FOLDER}/{library_name(item.plugin)}" for item in libraries)
    return tuple(FileRef(name, item.size_bytes, item.sha256) for name, item in zip(names, libraries))


def effective_of(libraries: Sequence[PluginLibrary]) -> Dict[str, Any]:
    """What a manifest tells of each library: whose source it is, who compiled it, with what."""
    return {
        item.plugin: {
            "library": item.sha256,
            "source": item.source,
            "key": item.key,
            "compiled_by": item.device,
            "compile_s": item.compile_s,
            "compilers": dict(item.compilers),
            **item.inspected,
        }
        for item in libraries
    }


def key_of(item: PluginWork, work: BuildWork, bench: Workbench) -> PluginKey:
    """The key of the library that this device makes of a plugin.

    Raises: Unsupported: the backend takes no plugins.
    """
    target = work.key.target
    if target.backend not in TENSORRT:
        raise Unsupported(
            f"{target.backend} {target.backend_version} takes no plugins, and the model needs {item.name}",
            "Submit it to a target of TensorRT.",
        )
    cards = cards_ahead(work.key.options) if target.backend in AHEAD_OF_TIME else ()
    cards = (target.gpu.compute_capability,) if target.gpu else cards
    return plugin_key(item.name, item.source, target, cards, bench.toolchain, _flags(target, bench.machine))


def _flags(target: BuildTarget, machine: Machine) -> Tuple[str, ...]:
    """What the target does not say of how its plugins are compiled: whose headers, where it has several."""
    can = capabilities_of(target.backend_version, rtx=target.backend == "tensorrt_rtx")
    headers = fitting(all_headers(machine), can)
    return (f"headers of TensorRT {headers.version}",) if can.rtx and headers and not headers.rtx else ()
