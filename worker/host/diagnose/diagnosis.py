"""From a failed build, or a model and a precision, to the operator at fault."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.protocol.keys import StepCall
from farm.protocol.options import Precision
from farm.protocol.report import Failure

from ..graph.model import Model
from .cut import Cutter
from .drift import first_drift
from .finding import Finding, Remedy, suspects
from .named import named_operators
from .repairs import repairs
from .search import first_failing

if TYPE_CHECKING:
    from onnx import NodeProto

    from .probing import Prober

Array = Any

# What makes a graph of fewer digits, and what the graph is called then.
STEP_OF_PRECISION = {Precision.FP16: "float16", Precision.BF16: "bfloat16", Precision.MIX: "mixed"}
_MOST_NAMED = 4
_LARGEST = {"float16": 65504.0, "mixed": 65504.0}


def by_message(model: Model, failure: Failure, ran: Sequence[StepCall]) -> Finding | None:
    """What the backend itself names."""
    for text, where in ((failure.message, "message"), (failure.log_tail, "log")):
        found = named_operators(model.proto, text)[:_MOST_NAMED]
        if found:
            made = _finding(model, failure.message, f"named in the {where}", found, ran)
            return replace(made, remedies=(*made.remedies, *said(failure)))
    return None


def said(failure: Failure) -> tuple[Remedy, ...]:
    """The next step that a failure itself names."""
    return (Remedy(failure.hint, "what the failure itself says"),) if failure.hint else ()


def by_building(model: Model, prober: Prober, failure: Failure, ran: Sequence[StepCall]) -> Finding:
    """The operator with which the beginning of the graph fails for the first time.

    Raises: BuildFailed: a part fails elsewhere. FarmError: the coordinator is gone.
    """
    cutter = Cutter(model)
    good, bad = first_failing(cutter.places, lambda count: prober.fails(cutter.beginning(count)))
    # The last operator is most likely at fault: with it, the beginning fails.
    found = list(reversed(model.proto.graph.node[good:bad]))
    made = _finding(model, failure.message, "builds of parts", found[:_MOST_NAMED], ran)
    what = f"the first {good} operators build, the first {bad} do not: {made.what}"
    return replace(made, what=what, probes=prober.builds)


def by_values(
    model: Model, precision: Precision, inputs: Mapping[str, Array], scratch: Path, ran: Sequence[StepCall]
) -> Finding:
    """The first value that leaves float32, on this processor.

    Args:
        model: In float32.
        precision: One of `STEP_OF_PRECISION`.
        inputs: Reference inputs.
        scratch: A folder on the file system of the model.
        ran: Steps that made it.

    Raises: CannotRun, Invalid: nothing here can run it.
    """
    name = STEP_OF_PRECISION[precision]
    drift = first_drift(model, StepCall(name), precision, inputs, scratch)
    if drift is None:
        return Finding(f"every value stays within the tolerance of {precision} on this processor", "values")
    told = "becomes NaN or infinite" if drift.error == float("inf") else f"is off by {drift.error:.3g}"
    beyond = f", more than {name} holds" if drift.largest > _LARGEST.get(name, float("inf")) else ""
    what = (
        f"{drift.value!r} {told} in {name}, where {drift.allowed:.3g} is allowed "
        f"and its largest value is {drift.largest:.3g}{beyond}; "
        f"{'an output is beyond it too' if drift.arrives else 'the outputs stay within their tolerance all the same'}"
    )
    if precision is Precision.MIX:
        remedies = (Remedy("--precision fp32", "float32 keeps more digits"),)
    else:
        why = "it keeps float32 in delicate operators, and where values were measured beyond float16"
        remedies = (Remedy("--precision mix", why),)
    return Finding(what, "values", suspects(model.proto, [drift.operator]), remedies)


def _finding(model: Model, what: str, how: str, found: list[NodeProto], ran: Sequence[StepCall]) -> Finding:
    return Finding(what, how, suspects(model.proto, found), repairs(model, found, ran))
