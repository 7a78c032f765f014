"""Run engines on a device: open, run arrays through them, measure, verify.

    import numpy
    from farm.runtime import Engine

    with Engine.open("engines/net") as engine:
        print(engine.inputs)  # name, element type, shape; -1 is an axis of any size
        outputs = engine.run({"images": numpy.zeros((1, 3, 224, 224), numpy.float32)})

NumPy and the runtimes are imported on first use, so that a client without them can import this package.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .arrays import load_arrays as load_arrays
    from .arrays import save_arrays as save_arrays
    from .benchmark.measure import measure as measure
    from .engine import Engine as Engine
    from .open import open_engine as open_engine
    from .session import Session as Session

_HOMES = {
    "Engine": ".engine",
    "Session": ".session",
    "load_arrays": ".arrays",
    "measure": ".benchmark.measure",
    "open_engine": ".open",
    "save_arrays": ".arrays",
}
__all__ = ["Engine", "Session", "load_arrays", "measure", "open_engine", "save_arrays"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        from importlib import import_module

        return getattr(import_module(_HOMES[name], __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
