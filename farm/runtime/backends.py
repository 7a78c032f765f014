"""The backends whose engines can be opened, by name. A module is imported when one of its engines is."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Callable, Dict

from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions

from .session import Session

Opener = Callable[[Path, BuildOptions], Session]

# Name of the builder to the function that opens its engines.
OPENERS: Dict[str, str] = {
    "onnxruntime": "farm.runtime.onnxruntime:open_session",
    "tensorrt": "farm.runtime.tensorrt:open_session",
    "tensorrt_rtx": "farm.runtime.tensorrt:open_rtx_session",
    "trtexec": "farm.runtime.trtexec:open_session",
}
# The backends whose engines have plugin libraries, with the binding that takes them.
PLUGIN_MODULES: Dict[str, str] = {"tensorrt": "tensorrt", "tensorrt_rtx": "tensorrt_rtx", "trtexec": "tensorrt"}


def opener(backend: str) -> Opener:
    """The function that opens engines of a backend.

    Raises: Unsupported: no such backend, or its Python package is missing here.
    """
    if backend not in OPENERS:
        raise Unsupported(f"there is no backend {backend!r}", f"This farm opens engines of {', '.join(OPENERS)}.")
    module, function = OPENERS[backend].split(":")
    try:
        found: Opener = getattr(import_module(module), function)
    except ImportError as error:
        raise Unsupported(
            f"the backend {backend} cannot be used here: {error}", "Install the extra `worker` on this machine."
        ) from error
    return found
