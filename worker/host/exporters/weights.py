"""Weights from a file into a network: by name, all of them, and without running anything that the file contains."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from pathlib import Path
from typing import Any

from farm.filehash import file_ref
from farm.protocol.errors import Invalid

Network = Any

# How training scripts wrap what the network itself needs.
_WRAPPERS = ("model", "state_dict")
# Counts batches while training, and says nothing about the network.
_COUNTERS = ".num_batches_tracked"


def load_weights(network: Network, path: Path) -> str:
    """Fill a network; the digest of the file.

    Raises: Invalid: the file is none of weights alone, or its names or shapes are others.
    """
    import pickle

    import torch

    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise Invalid(
            f"{path} holds no weights that can be read safely: {str(error).splitlines()[0]}",
            "Save it with torch.save(model.state_dict(), FILE).",
        ) from error
    for name in _WRAPPERS:
        state = state.get(name, state) if isinstance(state, dict) else {}
    try:
        told = network.load_state_dict(state, strict=False)
    except RuntimeError as error:  # shapes
        raise Invalid(f"the weights of {path} do not fit: {_second_line(error)}", _WAY) from error
    missing = [name for name in told.missing_keys if not name.endswith(_COUNTERS)]
    if missing or told.unexpected_keys:
        named = ", ".join([f"no {name}" for name in missing[:3]] + list(told.unexpected_keys[:3]))
        raise Invalid(f"the weights of {path} are those of another network: {named}", _WAY)
    return f"sha256 {file_ref(path, path.name).sha256}"


_WAY = "Give a file of the network that this exporter names."


def _second_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[min(1, len(lines) - 1)]
