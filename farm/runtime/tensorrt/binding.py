"""TensorRT's own Python module, which the device brings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from farm.protocol.errors import Unsupported


def binding(module: str) -> Any:
    """The module `tensorrt` or `tensorrt_rtx`.

    Raises: Unsupported: this Python has none, or its libraries are not found.
    """
    try:
        return import_module(module)
    except ImportError as error:
        raise Unsupported(
            f"{module} cannot be imported here: {error}", "Run farm doctor: it tells which backends this Python has."
        ) from error
