"""Open a fetched engine: what it is, whether it may run here, its plugins, and then its backend."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Dict, Optional, Tuple, Union

from farm.backends.tensorrt.combinations import check_has_weights
from farm.protocol.engine import EngineManifest
from farm.protocol.errors import NoEngine, NotFound, Unsupported
from farm.protocol.facts import DeviceFacts
from farm.protocol.plugins import LIBRARY_FOLDER
from farm.protocol.requirement import fit

from .backends import PLUGIN_MODULES, opener
from .bundle import check_bytes, read_manifest
from .session import Session

_PLUGINS = f"{LIBRARY_FOLDER}/"


def open_engine(directory: Union[str, os.PathLike[str]], facts: Optional[DeviceFacts] = None) -> Session:
    """Load the engine of a directory that `farm fetch` wrote, ready to run.

    Args:
        directory: Holds `manifest.json` and the files it names.
        facts: Of this device; measured now when absent, which takes a second or two.

    Raises:
        NotFound: the directory holds no engine, or not all of it.
        NoEngine: the engine does not fit this device; the message gives the reasons.
        BlobCorrupt: a file does not have the bytes it was stored with.
        BuildFailed, Unsupported: its runtime cannot load it.
    """
    return open_bundle(Path(directory), facts).session


@dataclass(frozen=True)
class Opened:
    """An engine that is loaded.

    Attributes:
        session: Runs it.
        manifest: What it is.
        plugins: Its plugin libraries, each with the creators it brought.
    """

    session: Session
    manifest: EngineManifest
    plugins: Dict[str, Tuple[str, ...]]


def open_bundle(folder: Path, facts: Optional[DeviceFacts] = None) -> Opened:
    """As `open_engine`, with what was found on the way."""
    manifest = read_manifest(folder)
    check_fit(manifest, facts)
    check_files(folder, manifest)
    check_has_weights(manifest.key.options)
    open_session = opener(manifest.requirement.backend)
    plugins = load_plugins(folder, manifest)
    return Opened(open_session(folder / manifest.files[0].name, manifest.key.options), manifest, plugins)


def check_files(folder: Path, manifest: EngineManifest) -> None:
    """Every file of the engine has the bytes it was stored with: a damaged weight computes on without a word.

    Raises: NotFound, BlobCorrupt
    """
    if not manifest.files:
        raise NotFound(f"the manifest in {folder} names no files", "Fetch the engine again.")
    for item in manifest.files:
        check_bytes(folder, item)


def check_fit(manifest: EngineManifest, facts: Optional[DeviceFacts] = None) -> None:
    """The engine fits this device.

    Raises: NoEngine: one line for each reason.
    """
    if facts is None:
        from farm.device.probe import probe

        facts = probe()
    found = fit(manifest.requirement, facts)
    if not found.fits:
        raise NoEngine(
            f"the engine of {manifest.model_name} does not fit this device: " + "; ".join(found.refusals),
            "Fetch the engine for this device with `farm fetch`, or build one with `farm submit`.",
            refusals=list(found.refusals),
        )


def load_plugins(folder: Path, manifest: EngineManifest) -> Dict[str, Tuple[str, ...]]:
    """Make the operators of the engine's plugin libraries known, before the engine that needs them is loaded.

    Returns: Name of each library to the creators it brought; the program trtexec does not tell them.
    Raises: Unsupported: the backend takes none. BuildFailed: one cannot be loaded.
    """
    libraries = [item for item in manifest.files if item.name.startswith(_PLUGINS)]
    if not libraries:
        return {}
    backend = manifest.requirement.backend
    if backend not in PLUGIN_MODULES:
        raise Unsupported(
            f"the engine needs {libraries[0].name}, and engines of {backend} take no plugin libraries here",
            "Open it with a newer farm.",
        )
    if backend == "trtexec" and find_spec("tensorrt") is None:
        from .trtexec.plugins import name_plugins

        name_plugins(folder, libraries)
        return {item.name: () for item in libraries}
    from .tensorrt import plugins

    return plugins.load_plugins(folder, libraries, PLUGIN_MODULES[backend])
