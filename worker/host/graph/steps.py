"""The table of graph steps, in the order in which they make sense. One line for each: name → module.

A step is a module with the members of `Step`. Adding one: write the module, add its line here, describe it in
docs/graph.md, and let the recipe of the targets that need it name it.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Any, Protocol, cast

from farm.protocol.errors import Unsupported
from farm.protocol.keys import StepCall

if TYPE_CHECKING:
    from onnx import ModelProto

    from .ranges import Measure

STEPS: Mapping[str, str] = {
    "rename": "worker.host.graph.rename",
    "image_input": "worker.host.graph.image_input",
    "mmcv": "worker.host.graph.mmcv",
    "deformable_attention": "worker.host.graph.deformable_attention",
    "infer_shapes": "worker.host.graph.infer_shapes",
    "fold": "worker.host.graph.fold",
    "simplify": "worker.host.graph.simplify",
    "convolutions": "worker.host.graph.convolutions",
    "factors": "worker.host.graph.factors",
    "projections": "worker.host.graph.projections",
    "positive_gather": "worker.host.graph.positive_gather",
    "bounds": "worker.host.graph.bounds",
    "pads": "worker.host.graph.pads",
    "masks": "worker.host.graph.masks",
    "int64": "worker.host.graph.int64",
    "to_plugins": "worker.host.graph.to_plugins",
    "to_native": "worker.host.graph.to_native",
    "attention": "worker.host.graph.attention",
    "layernorm_plugin": "worker.host.graph.layernorm_plugin",
    "layernorm": "worker.host.graph.layernorm",
    "quantize": "worker.host.graph.quantize",
    "opset": "worker.host.graph.opset",
    "float16": "worker.host.graph.float16",
    "bfloat16": "worker.host.graph.bfloat16",
    "mixed": "worker.host.graph.mixed",
}


# In the place of the name of a parameter.
ANY_NAME = "*"


class Step(Protocol):
    """What a step's module has.

    Attributes:
        NAME: As it is typed after `--steps`.
        DESCRIPTION: One clause, as an imperative.
        TOOLS: Distributions whose version changes what it does; all are in the recipe.
        PARAMETERS: All parameters it takes, with their defaults; `*` stands for parameters of any name.
        TOLERANCE: How much an output may change, as a share of its root mean square in float32. None for a step whose
            purpose is to change it: the change is reported, and only types, shapes and NaN are held against it.
    """

    NAME: str
    DESCRIPTION: str
    TOOLS: tuple[str, ...]
    PARAMETERS: Mapping[str, Any]
    TOLERANCE: float | None

    def apply(self, model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
        """The changed graph; the one given may be changed too. Big weights of large models appear as inputs.

        `measure` tells how large the values of the graph become on the reference inputs, for a step that needs it;
        nothing where nobody can run the graph.
        """


def step(name: str) -> Step:
    """The step of that name.

    Raises: Unsupported: this host has none.
    """
    if name not in STEPS:
        raise Unsupported(f"this host has no graph step {name!r}", f"The steps are {', '.join(STEPS)}.")
    return cast(Step, import_module(STEPS[name]))


def parameters_of(call: StepCall) -> dict[str, Any]:
    """The parameters of a call, with defaults for those it leaves out.

    Raises: Unsupported: the step does not take one of them, or not of this type.
    """
    known = step(call.name).PARAMETERS
    if ANY_NAME in known:
        known = dict.fromkeys(call.parameters, known[ANY_NAME])
    given = {}
    for name, value in call.parameters.items():
        if name not in known:
            takes = ", ".join(known) or "none"
            raise Unsupported(f"the graph step {call.name} has no parameter {name!r}", f"It takes {takes}.")
        given[name] = _like(known[name], value)
        if given[name] is None:
            raise Unsupported(
                f"the parameter {name} of the graph step {call.name} is {value!r}", f"Give one like {known[name]!r}."
            )
    return {**known, **given}


def _like(default: Any, value: Any) -> Any:
    """A value of the type of the default, as far as what was typed may mean one; None where it may not."""
    if type(value) is type(default):
        return value
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    if number and isinstance(default, str):
        return str(value)
    return float(value) if isinstance(default, float) and type(value) is int else None
