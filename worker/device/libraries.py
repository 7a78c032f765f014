"""The plugin libraries of a build, loaded before anything that needs them."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import List

from farm.filehash import file_ref
from farm.protocol.errors import BuildFailed, Unsupported
from farm.protocol.plugins import LIBRARY_FOLDER, library_name
from farm.protocol.work import BuildWork

from .builders.base import Builder

log = logging.getLogger(__name__)


def load_libraries(work: BuildWork, workspace: Path, builder: Builder) -> None:
    """Load those that the worker has put into `input/`, or that an engine of an earlier build brought.

    Raises: Unsupported: the backend takes none. BuildFailed: one cannot be loaded, or lacks an operator.
    """
    version = work.key.target.backend_version
    if work.key.plugins and not builder.capabilities(version).plugins:
        raise Unsupported(
            f"{builder.name} {version} takes no plugins, and the model needs {', '.join(sorted(work.key.plugins))}",
            "Submit it to a target of TensorRT.",
        )
    folder = workspace / "input" / "engine" if work.reuse else workspace / "input"
    libraries = [file_ref(folder / name, name) for name in _names(work)]
    brought = builder.load_plugins(folder, libraries)
    for name, creators in sorted(brought.items()):
        log.info("%s brings %s", name, ", ".join(creators))
    for item in work.plugins if brought else ():
        name = f"{LIBRARY_FOLDER}/{library_name(item.name)}"
        lacking = set(item.operators) - {creator.partition(" ")[0] for creator in brought.get(name, ())}
        if lacking:
            raise BuildFailed(
                f"the library of the plugin {item.name} brings {', '.join(brought.get(name, ())) or 'nothing'}, "
                f"and its plugin.toml says {', '.join(sorted(lacking))}",
                "Give its creators the names that plugin.toml has.",
            )


def _names(work: BuildWork) -> List[str]:
    if work.reuse:
        return [item.name for item in work.reuse.files if item.name.startswith(f"{LIBRARY_FOLDER}/")]
    return [f"{LIBRARY_FOLDER}/{library_name(name)}" for name in sorted(work.key.plugins)]
