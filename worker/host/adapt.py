"""From a model in a file to the graph after its steps: what a preparation of the fleet and `farm prepare` share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from farm.device.machine import Machine
from farm.device.system import memory_bytes
from farm.protocol.keys import StepCall
from farm.protocol.options import ReferencePolicy
from worker.settings import memory_limit

from .graph.interface import Interface, split_calls
from .graph.model import Model
from .graph.pipeline import Pipeline, StepReport
from .load import load
from .plugin_types import write_types
from .reference.inputs import reference_inputs
from .reference.outputs import Reference, computed

Array = Any
Arrays = Mapping[str, Array]


@dataclass(frozen=True)
class Adapted:
    """What came of it.

    Attributes:
        inputs: Reference inputs of the graph.
        reference: What the model as it came answers to them.
    """

    model: Model
    inputs: dict[str, Array]
    reference: Reference
    reports: tuple[StepReport, ...]


def adapt(
    path: Path,
    calls: Sequence[StepCall],
    policy: ReferencePolicy,
    given: Path | None,
    scratch: Path,
    tell: Callable[[str], None] = lambda _: None,
    samples: Callable[[Arrays], Iterable[Arrays]] = lambda _: (),
) -> Adapted:
    """Run the steps over a model.

    Args:
        path: The model.
        calls: The steps in order; those that change its inputs or outputs first.
        policy: How reference inputs are made.
        given: The .npz file of `--loadInputs`.
        scratch: An empty folder on the file system of the model.
        tell: Told of each part as it begins.
        samples: Makes further inputs of the reference inputs, for steps that measure the values of the graph.

    Raises: FarmError: the model is wrong, too little is known to make inputs, or a step broke it.
    """
    tell("checking the model")
    first, rest = split_calls(calls)
    original = load(path)
    interface = Interface(original, first)
    model = interface.model
    inputs = reference_inputs(model, policy, given, room_bytes(Machine(), memory_limit()))
    answered = computed(original, path, interface.inputs_as_it_came(inputs))
    tell("running the graph steps")
    outputs, reports = interface.hold(inputs, answered.outputs, answered.told_by, scratch)
    if outputs is not None:
        model = write_types(model, inputs, scratch)
    pipeline = Pipeline(inputs, outputs, answered.told_by, scratch, partial(samples, inputs))
    adapted, others = pipeline.run(model, rest)
    return Adapted(adapted, inputs, replace(answered, outputs=outputs), (*reports, *others))


def room_bytes(machine: Machine, limit_bytes: int | None) -> int:
    """What a preparation may hold: the memory of the machine, or less where the worker ends it earlier."""
    total = memory_bytes(machine)
    return total if limit_bytes is None else min(total, limit_bytes)
