"""What a file computes, held against the network in PyTorch that it was written from."""
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.protocol.errors import BuildFailed

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array = Any

# Scores that PyTorch and ONNX Runtime may bring into either order.
_EQUAL = 1e-5


@dataclass(frozen=True)
class Difference:
    """Where an output of a file is furthest from that of the network.

    Attributes:
        share: Of the root mean square of the output; of whole numbers the share that is another.
        place: In the output.
        got: What the file gives there.
        wanted: What the network gives there.
    """

    output: str
    share: float
    place: tuple[int, ...]
    got: str
    wanted: str

    def __str__(self) -> str:
        place = ", ".join(map(str, self.place))
        return f"{self.share:.2g} of the output {self.output!r}: at [{place}] it has {self.got} for {self.wanted}"


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


def largest_difference(
    path: Path, inputs: Mapping[str, Array], wanted: Mapping[str, Array], ranked: str = ""
) -> Difference:
    """Where a file is furthest from the network.

    Args:
        path: Of the file.
        inputs: What both were given.
        wanted: What the network answered.
        ranked: The output whose scores bring the others into their order; answers of equal score have any.

    Raises:
        BuildFailed: the file does not run, or an output has another shape.
    """
    from farm.protocol.errors import Invalid
    from worker.host.runtime import CannotRun, run

    try:
        got = run(path, inputs)
    except (CannotRun, Invalid) as error:
        raise BuildFailed(f"the exported graph does not run: {error}"[:500], "Give --no-check to keep it.") from error
    for name, reference in wanted.items():
        if got[name].shape != reference.shape:
            raise BuildFailed(
                f"the output {name!r} of the exported graph is {got[name].shape}, and PyTorch's {reference.shape}",
                "Export it with --no-check, and look where the two part.",
            )
    if ranked:
        got = _in_order(got, wanted, ranked)
    return max((_difference(name, got[name], reference) for name, reference in wanted.items()), key=attrgetter("share"))


def _difference(name: str, got: NDArray[Any], wanted: NDArray[Any]) -> Difference:
    import numpy as np

    if not wanted.size:
        return Difference(name, 0.0, (), "", "")
    if np.issubdtype(wanted.dtype, np.floating):
        apart = np.abs(got.astype(np.float64) - wanted)
        share = float(apart.max() / np.sqrt(np.mean(np.square(wanted.astype(np.float64)))))
    else:
        apart = got != wanted
        share = float(np.mean(apart))
    place = tuple(int(axis) for axis in np.unravel_index(int(apart.argmax()), wanted.shape))
    return Difference(name, share, place, f"{got[place]:g}", f"{wanted[place]:g}")


def _in_order(got: Mapping[str, Array], wanted: Mapping[str, Array], ranked: str) -> dict[str, Array]:
    """What the file gives, with answers whose scores are equal in the order of the network's."""
    import numpy as np

    picked = np.empty(got[ranked].shape, np.int64)
    for image, (mine, theirs) in enumerate(zip(got[ranked], wanted[ranked], strict=True)):
        left = list(range(mine.size))
        for place, score in enumerate(theirs):
            # Both have such a score at each of these places.
            equals = [n for n in left if abs(mine[n] - score) <= _EQUAL and abs(theirs[n] - score) <= _EQUAL]
            found = equals or [place if place in left else left[0]]
            apart = [sum(_apart(got[name][image, n], wanted[name][image, place]) for name in wanted) for n in found]
            picked[image, place] = found[int(np.argmin(apart))]
            left.remove(picked[image, place])
    images = np.arange(len(picked))[:, None]
    return {name: array[images, picked] for name, array in got.items()}


def _apart(one: Array, other: Array) -> float:
    import numpy as np

    return float(np.abs(np.asarray(one, np.float64) - other).sum())
