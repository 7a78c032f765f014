"""Plugin libraries of an engine: loaded once in a process, before the engine that needs them."""

from __future__ import annotations

import ctypes
from pathlib import Path
from threading import Lock
from typing import Any, Dict, FrozenSet, Sequence, Tuple

from farm.backends.tensorrt.capabilities import Loading, TensorRtCapabilities, capabilities_of
from farm.backends.tensorrt.creators import register_creators
from farm.backends.tensorrt.logger import Sayings, logger
from farm.protocol.errors import BuildFailed
from farm.protocol.model import FileRef

from .binding import binding

Brought = Dict[str, Tuple[str, ...]]

_HINT = "Build the engine again for this device: its plugins are compiled with it."
_one_at_a_time = Lock()
# The digest of each library that is in this process, with the creators it brought: none leaves before the process ends.
_loaded: Dict[str, Tuple[str, ...]] = {}
_kept: Dict[str, Any] = {}


def load_plugins(folder: Path, libraries: Sequence[FileRef], module: str = "tensorrt") -> Brought:
    """Make the creators of these libraries known to TensorRT.

    Args:
        folder: Where they lie.
        libraries: Their files, whose bytes have been checked.
        module: The binding.

    Returns: Name of each library to its creators, as `name version`.
    Raises: BuildFailed: one cannot be loaded, or brings nothing that is not there already. Unsupported: no binding.
    """
    if not libraries:
        return {}
    trt = binding(module)
    with _one_at_a_time:
        capabilities = capabilities_of(trt.__version__, module == "tensorrt_rtx")
        if module not in _kept:
            _kept[module] = logger(trt, Sayings())
            # NVIDIA's own come first, so that they are never taken for those of a library.
            register_creators(trt, _kept[module])
        for item in libraries:
            if item.sha256 not in _loaded:
                _loaded[item.sha256] = _load(trt, capabilities, folder / item.name)
        return {item.name: _loaded[item.sha256] for item in libraries}


def _load(trt: Any, capabilities: TensorRtCapabilities, path: Path) -> Tuple[str, ...]:
    registry = trt.get_plugin_registry()
    before = _creators(registry, capabilities)
    try:
        if capabilities.plugin_loading is Loading.REGISTRY:
            # It loads a library only where the dynamic loader can, but says why in no way that Python hears.
            ctypes.CDLL(str(path))
            found = registry.load_library(str(path))
        else:
            # The library's static objects register themselves.
            found = ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
    except OSError as error:
        raise BuildFailed(f"the plugin library {path.name} cannot be loaded: {error}", _HINT) from error
    brought = _creators(registry, capabilities) - before
    if found is None or not brought:
        raise BuildFailed(
            f"the plugin library {path.name} brings {capabilities.name} no plugin creator that is not there already",
            _HINT,
        )
    return tuple(sorted(brought))


def _creators(registry: Any, capabilities: TensorRtCapabilities) -> FrozenSet[str]:
    listed = getattr(registry, capabilities.plugin_creators)
    return frozenset(f"{item.name} {item.plugin_version}" for item in listed)
