"""Plugin libraries for trtexec, named on each of its command lines in this process, as a binding would keep them."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Dict, Sequence, Tuple

from farm.backends.tensorrt.capabilities import TensorRtCapabilities
from farm.backends.tensorrt.switches import has, switch
from farm.protocol.model import FileRef

_one_at_a_time = Lock()
# The digest of each library to where it lies.
_named: Dict[str, Path] = {}


def name_plugins(folder: Path, libraries: Sequence[FileRef]) -> None:
    """Let every later trtexec of this process load these libraries, whose bytes have been checked."""
    with _one_at_a_time:
        for item in libraries:
            _named[item.sha256] = (folder / item.name).absolute()


def plugin_arguments(can: TensorRtCapabilities) -> Tuple[str, ...]:
    """The arguments that load them; 8.5 opens a library, later versions ask it for its creators."""
    name = "dynamicPlugins" if has("dynamicPlugins", can) else "plugins"
    with _one_at_a_time:
        return tuple(switch(name, can, path) for path in _named.values())
