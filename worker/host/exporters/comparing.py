"""What a file computes, held against the network in PyTorch that it was written from."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.protocol.errors import BuildFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array = Any


def answers(network: Any, inputs: tuple[Any, ...], names: tuple[str, ...]) -> dict[str, Array]:
    """What the network gives, by the names of the outputs.

    Raises: BuildFailed: an output of floats is constant or not finite, and so would show nothing.
    """
    import numpy as np
    import torch

    with torch.inference_mode():
        made = network(*inputs)
    tensors = [made] if isinstance(made, torch.Tensor) else list(made)
    found = {name: tensor.numpy() for name, tensor in zip(names, tensors, strict=True)}
    for name, array in found.items():
        if np.issubdtype(array.dtype, np.floating) and (
            not np.isfinite(array).all() or (array.size > 1 and array.std() == 0)
        ):
            raise BuildFailed(
                f"the output {name!r} of the network is constant or not finite", "Give --weights, or another --seed."
            )
    return found


def largest_difference(path: Path, inputs: Mapping[str, Array], wanted: Mapping[str, Array]) -> float:
    """Of any output, as a share of its root mean square; of whole numbers the share that is another.

    Raises:
        BuildFailed: the file does not run, or an output has another shape.
    """
    from farm.protocol.errors import Invalid
    from worker.host.runtime import CannotRun, run

    try:
        got = run(path, inputs)
    except (CannotRun, Invalid) as error:
        raise BuildFailed(f"the exported graph does not run: {error}"[:500], "Give --no-check to keep it.") from error
    return max(_difference(name, got[name], reference) for name, reference in wanted.items())


def _difference(name: str, got: NDArray[Any], wanted: NDArray[Any]) -> float:
    import numpy as np

    if got.shape != wanted.shape:
        raise BuildFailed(
            f"the output {name!r} of the exported graph is {got.shape}, and PyTorch's {wanted.shape}",
            "Export it with --no-check, and look where the two part.",
        )
    if not np.issubdtype(wanted.dtype, np.floating):
        return float(np.mean(got != wanted)) if wanted.size else 0.0
    scale = float(np.sqrt(np.mean(np.square(wanted.astype(np.float64)))))
    return float(np.abs(got.astype(np.float64) - wanted).max() / scale)
