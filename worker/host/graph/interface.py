"""Steps that give a graph other inputs or outputs. They come first: all that follows knows the new ones only.

Reference inputs are those of the new interface. What they mean to the model as it came is computed in NumPy, so that
its answers are the references, and the changed graph is held against them.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from farm.protocol.errors import Invalid
from farm.protocol.keys import StepCall
from farm.protocol.steps import INTERFACE_STEPS

from .model import Model
from .pipeline import Pipeline, StepReport, applied, check_graph
from .steps import Step, parameters_of, step
from .walk import count

Array = Any
Arrays = Mapping[str, Array]


class InterfaceStep(Step, Protocol):
    """What the module of such a step has beside all others."""

    def inputs_before(self, inputs: Arrays, parameters: Mapping[str, Any]) -> dict[str, Array]:
        """What the graph before takes where the graph after takes these."""

    def outputs_after(self, outputs: Arrays, parameters: Mapping[str, Any]) -> dict[str, Array]:
        """What the graph after gives where the graph before gives these."""


def split_calls(calls: Sequence[StepCall]) -> tuple[tuple[StepCall, ...], tuple[StepCall, ...]]:
    """The steps that change the interface, and those after them.

    Raises: Invalid: one of the former comes after one of the latter.
    """
    first = tuple(call for call in calls if call.name in INTERFACE_STEPS)
    if tuple(calls[: len(first)]) != first:
        late = next(call.name for call in calls[len(first) :] if call.name in INTERFACE_STEPS)
        raise Invalid(
            f"the graph step {late} changes inputs or outputs, and comes after one that does not",
            f"Give it first: --steps {late}:...,default.",
        )
    return first, tuple(calls[len(first) :])


class Interface:
    """A model on its way to other inputs and outputs.

    Args:
        model: As it came.
        calls: Steps that change the interface.

    Raises:
        Invalid: a parameter does not fit the model.
        Unsupported: a step or a parameter that this host does not know.
        BuildFailed: a step broke the graph.
    """

    def __init__(self, model: Model, calls: Iterable[StepCall]) -> None:
        self._models = [model]
        self._steps: list[tuple[InterfaceStep, dict[str, Any]]] = []
        self._seconds: list[float] = []
        for call in calls:
            one, parameters = cast(InterfaceStep, step(call.name)), parameters_of(call)
            started = time.monotonic()
            self._models.append(applied(self._models[-1], one, parameters))
            self._seconds.append(time.monotonic() - started)
            check_graph(self._models[-1], one)
            self._steps.append((one, parameters))

    @property
    def model(self) -> Model:
        """The graph with the new interface."""
        return self._models[-1]

    def inputs_as_it_came(self, inputs: Arrays) -> dict[str, Array]:
        """What inputs of the new interface are to the model as it came."""
        return dict(self._levels(inputs)[0])

    def hold(
        self, inputs: Arrays, outputs: Arrays | None, reason: str, scratch: Path
    ) -> tuple[dict[str, Array] | None, tuple[StepReport, ...]]:
        """What the model as it came answers, under the new names, and a report for each step.

        Args:
            inputs: Of the new interface.
            outputs: Of the model as it came; None where nothing can run it.
            reason: Why there are none.
            scratch: An empty folder on the file system of the model.

        Raises: BuildFailed: a step changed what the model computes.
        """
        reports = []
        expected = None if outputs is None else dict(outputs)
        for number, (one, parameters) in enumerate(self._steps):
            before, after = self._models[number : number + 2]
            if expected is not None:
                expected = one.outputs_after(expected, parameters)
            pipeline = Pipeline(self._levels(inputs)[number + 1], expected, reason, scratch)
            largest = pipeline.compare(after, one)
            told = "" if expected is not None else reason
            counts = count(before.proto), count(after.proto)
            reports.append(StepReport(one.NAME, *counts, round(self._seconds[number], 3), largest, told))
        return expected, tuple(reports)

    def _levels(self, inputs: Arrays) -> list[Arrays]:
        """The inputs of each graph, from the model as it came to the new interface."""
        levels = [inputs]
        for one, parameters in reversed(self._steps):
            levels.insert(0, one.inputs_before(levels[0], parameters))
        return levels
