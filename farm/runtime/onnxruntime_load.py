"""Load a graph with onnxruntime, or say in one line why it cannot be."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from farm.protocol.errors import BuildFailed, FarmError

PROVIDERS = ["CPUExecutionProvider"]


def load(path: Path, made: Any) -> Any:
    """An `InferenceSession` for the processor.

    Raises: BuildFailed: with onnxruntime's own words.
    """
    import onnxruntime

    try:
        return onnxruntime.InferenceSession(str(path), made, providers=PROVIDERS)
    except MemoryError:
        raise
    except Exception as error:  # its exceptions have no common class of their own
        raise failure(f"onnxruntime {onnxruntime.__version__} cannot load {path.name}", error) from error


def failure(what: str, error: Exception) -> FarmError:
    """An error of onnxruntime in one line, and what can be done about it.

    Raises: MemoryError: that is what onnxruntime meant.
    """
    text = " ".join(str(error).split())
    if "bad_alloc" in text or "Failed to allocate memory" in text:
        raise MemoryError(text) from error
    return BuildFailed(f"{what}: {text[:600]}", "The log of the attempt has its whole message.")
