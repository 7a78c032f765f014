"""Weights from a file into a network: by name, all of them, and without running anything that the file contains."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from farm.filehash import file_ref
from farm.protocol.errors import Invalid, Unsupported

Network = Any
State = dict[str, Any]

# How training scripts wrap what the network itself needs.
_WRAPPERS = ("model", "state_dict")
# What training on several cards puts before each name.
_PARALLEL = "module."
# Counts batches while training, and says nothing about the network.
_COUNTERS = ".num_batches_tracked"
_SAFETENSORS = ".safetensors"


def load_weights(network: Network, path: Path, adapt: Callable[[State], State] = dict) -> str:
    """Fill a network; the digest of the file.

    Args:
        network: Its names are those that `adapt` gives.
        path: Of `torch.save`, or safetensors.
        adapt: Names of the file to names of the network.

    Raises:
        Invalid: the file is none of weights alone, or its names or shapes are others.
        Unsupported: this machine cannot read safetensors.
    """
    state = adapt(_unwrapped(_read_safetensors(path) if path.suffix == _SAFETENSORS else _read(path)))
    try:
        told = network.load_state_dict(state, strict=False)
    except RuntimeError as error:  # shapes
        raise Invalid(f"the weights of {path} do not fit: {_second_line(error)}", _WAY) from error
    missing = [name for name in told.missing_keys if not name.endswith(_COUNTERS)]
    if missing or told.unexpected_keys:
        named = ", ".join([f"no {name}" for name in missing[:3]] + list(told.unexpected_keys[:3]))
        raise Invalid(f"the weights of {path} are those of another network: {named}", _WAY)
    return f"sha256 {file_ref(path, path.name).sha256}"


def _read(path: Path) -> Any:
    import pickle

    import torch

    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise Invalid(
            f"{path} holds no weights that can be read safely: {str(error).splitlines()[0]}",
            "Save it with torch.save(model.state_dict(), FILE).",
        ) from error


def _read_safetensors(path: Path) -> Any:
    try:
        from safetensors import SafetensorError
        from safetensors.torch import load_file
    except ModuleNotFoundError as error:
        raise Unsupported(f"{path} is of safetensors, which are not installed here", "Install safetensors.") from error
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise Invalid(f"{path} holds no safetensors: {error}", "Give the file as it was downloaded.") from error


def _unwrapped(state: Any) -> State:
    """The weights alone, in float32 where they are floats: some originals keep half of the digits."""
    for name in _WRAPPERS:
        state = state.get(name, state) if isinstance(state, dict) else {}
    if state and all(name.startswith(_PARALLEL) for name in state):
        state = {name[len(_PARALLEL) :]: value for name, value in state.items()}
    return {name: value.float() if value.is_floating_point() else value for name, value in state.items()}


_WAY = "Give a file of the network that this exporter names."


def _second_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return lines[min(1, len(lines) - 1)]
