"""Where a graph in fewer digits leaves the same graph in float32: the first value that differs by more than it may."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.protocol.options import Precision, VerifyPolicy
from farm.runtime.verify.substance import magnitude
from farm.runtime.verify.tolerance import tolerance_for

from ..graph.model import Model
from ..graph.pipeline import applied
from ..graph.ranges import tensors_of
from ..graph.rounded import rounding_everywhere
from ..graph.steps import parameters_of, step
from ..runtime import run

if TYPE_CHECKING:
    from onnx import NodeProto

    from farm.protocol.keys import StepCall

Array = Any
# Values that are looked at in one run.
_AT_ONCE = 64


@dataclass(frozen=True)
class Drift:
    """The first value that drifts.

    Attributes:
        error: Largest absolute difference; infinite where numbers became NaN or infinite.
        allowed: Likewise.
        largest: Magnitude of the value in float32.
        arrives: An output of the graph is beyond its tolerance too.
    """

    operator: NodeProto
    value: str
    error: float
    allowed: float
    largest: float
    arrives: bool = True


def first_drift(
    model: Model, call: StepCall, precision: Precision, inputs: Mapping[str, Array], scratch: Path
) -> Drift | None:
    """The first value of the graph that a step to fewer digits moves beyond the tolerance of a precision.

    Args:
        model: In float32.
        call: The step, such as `float16`.
        precision: Whose default tolerance holds.
        inputs: Reference inputs.
        scratch: A folder on the file system of the model; what is made there is removed.

    Raises: CannotRun, Invalid: ONNX Runtime cannot run it with these inputs.
    """
    from onnx import TensorProto

    narrow = rounding_everywhere(applied(model, step(call.name), parameters_of(call)))
    kept = {name for operator in narrow.proto.graph.node for name in operator.output}
    watched = tensors_of(model.proto, TensorProto.FLOAT) & kept
    for part in _parts(model, watched):
        exact, rounded = (_values(one, list(part), inputs, scratch) for one in (model, narrow))
        for name, operator in part.items():
            drift = _drift(operator, name, exact[name], rounded[name], precision)
            if drift is not None:
                return replace(drift, arrives=_arrives(model, narrow, precision, inputs, scratch))
    return None


def _arrives(model: Model, narrow: Model, precision: Precision, inputs: Mapping[str, Array], scratch: Path) -> bool:
    """Some output of the graph drifts."""
    names = [spec.name for spec in model.outputs]
    exact, rounded = (_values(one, names, inputs, scratch) for one in (model, narrow))
    return any(_beyond(exact[name], rounded[name], name, precision) is not None for name in names)


def _parts(model: Model, watched: set[str]) -> Iterator[dict[str, NodeProto]]:
    """Value to the operator that gives it, in the order of the graph, some at a time."""
    found = {name: operator for operator in model.proto.graph.node for name in operator.output if name in watched}
    names = list(found)
    for start in range(0, len(names), _AT_ONCE):
        yield {name: found[name] for name in names[start : start + _AT_ONCE]}


def _values(model: Model, names: Sequence[str], inputs: Mapping[str, Array], scratch: Path) -> dict[str, Array]:
    from onnx import helper

    watched = model.copy()
    del watched.proto.graph.output[:]
    watched.proto.graph.output.extend(helper.make_empty_tensor_value_info(name) for name in names)
    folder = scratch / "values"
    folder.mkdir()
    try:
        return run(folder / watched.write(folder)[0], inputs)
    finally:
        shutil.rmtree(folder)


def _drift(operator: NodeProto, name: str, exact: Array, rounded: Array, precision: Precision) -> Drift | None:
    import numpy as np

    found = _beyond(exact, rounded, name, precision)
    if found is None:
        return None
    largest = np.abs(exact[np.isfinite(exact)]).max(initial=0.0)
    return Drift(operator, name, *found, float(largest))


def _beyond(exact: Array, rounded: Array, name: str, precision: Precision) -> tuple[float, float] | None:
    """The largest error, and the absolute one that is allowed; None where all is within the tolerance."""
    import numpy as np

    kept = np.isfinite(exact)
    both = kept & np.isfinite(rounded)
    reference = np.abs(exact[both].astype(np.float64))
    difference = np.abs(exact[both].astype(np.float64) - rounded[both].astype(np.float64))
    tolerance = tolerance_for(name, VerifyPolicy(), precision, exact.dtype, magnitude(exact).rms)
    if (kept & ~np.isfinite(rounded)).any():
        return float("inf"), tolerance.atol
    if not (difference > np.maximum(tolerance.atol, tolerance.rtol * reference)).any():
        return None
    return float(difference.max()), tolerance.atol
