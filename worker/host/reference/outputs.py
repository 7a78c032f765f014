"""The reference outputs: the author's, else what ONNX Runtime computes with its optimisations off."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.shapes import format_shape
from farm.protocol.work import DRAWS_RANDOM
from farm.runtime.arrays import load_arrays

from ..graph.model import Model
from ..graph.walk import operators
from ..runtime import CannotRun, run, version

Array = Any

_RANDOM = frozenset(
    ("RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli")
)

# Name of an element type without its size → NumPy's kind. What only accelerators have is saved as a wider float.
_KINDS = {"bool": "b", "int": "i", "uint": "u"}
_FLOAT = "f"


@dataclass(frozen=True)
class Reference:
    """What a model answers to the reference inputs.

    Attributes:
        outputs: By name; None where nothing of this host can tell.
        told_by: Who answered; where nobody did, the reason.
    """

    outputs: dict[str, Array] | None
    told_by: str

    @property
    def origin(self) -> str:
        """As it stands in `Prepared.reference`."""
        return self.told_by if self.outputs is not None else f"none: {self.told_by}"


def computed(model: Model, path: Path, inputs: dict[str, Array]) -> Reference:
    """What ONNX Runtime computes from the model in a file.

    Raises: Invalid: the model contradicts itself, or does not take these inputs.
    """
    random = next((operator.op_type for operator in operators(model.proto) if operator.op_type in _RANDOM), None)
    if random is not None:
        return Reference(None, f"{DRAWS_RANDOM} ({random})")
    try:
        outputs = run(path, inputs)
    except CannotRun as error:
        return Reference(None, str(error))
    odd = next((name for name, array in outputs.items() if not hasattr(array, "dtype")), None)
    if odd is not None:
        raise Invalid(f"the output {odd!r} is not a tensor", "Export a model that gives tensors of numbers.")
    return Reference(outputs, version(model.proto))


def of_author(path: Path, specs: Sequence[TensorSpec]) -> Reference:
    """The outputs that the author of the model gave.

    Raises: Invalid: an output is missing, unknown, or has another type or rank than the model says.
    """
    arrays = load_arrays(path)
    names = [spec.name for spec in specs]
    unknown = next((name for name in arrays if name not in names), None)
    if unknown is not None:
        raise Invalid(f"the model has no output {unknown!r}", f"Its outputs are {', '.join(names)}.")
    missing = next((name for name in names if name not in arrays), None)
    if missing is not None:
        raise Invalid(f"the file of reference outputs lacks {missing!r}", f"Give all of {', '.join(names)}.")
    for spec in specs:
        _check(spec, arrays[spec.name])
    return Reference({name: arrays[name] for name in names}, "author")


def _check(spec: TensorSpec, array: Array) -> None:
    fits = array.ndim == len(spec.shape) and all(
        want in (-1, got) for want, got in zip(spec.shape, array.shape, strict=True)
    )
    if not fits or array.dtype.kind != _KINDS.get(spec.dtype.rstrip("0123456789"), _FLOAT):
        raise Invalid(
            f"the reference output {spec.name!r} is {array.dtype.name} {format_shape(array.shape)}, "
            f"the model gives {spec.dtype} {format_shape(spec.shape)}",
            "Save what the model gives for the reference inputs.",
        )
