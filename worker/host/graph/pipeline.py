"""Running the steps of a recipe: each is timed, counted, checked as ONNX, and held against the graph before it."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from farm.protocol.errors import BuildFailed, FarmError, Invalid
from farm.protocol.keys import StepCall

from ..runtime import CannotRun, run
from . import weights
from .check import check
from .metadata import keep_metadata
from .model import Model
from .numerics import difference
from .ranges import Measure, Ranges, largest_magnitudes
from .rounded import rounding, runnable
from .steps import Step, parameters_of, step
from .walk import count

if TYPE_CHECKING:
    from onnx import ModelProto

log = logging.getLogger(__name__)

Array = Any


@dataclass(frozen=True)
class StepReport:
    """What a step did.

    Attributes:
        operators_before: Operators of the graph, those of its branches too.
        seconds: Of the step alone, without the checks.
        largest_difference: Of any output from what it was before; None where nothing could be compared.
        not_compared: Why not; empty where it was.
    """

    name: str
    operators_before: int
    operators_after: int
    seconds: float
    largest_difference: float | None = None
    not_compared: str = ""

    def __str__(self) -> str:
        told = f"{self.name}: {self.operators_before} -> {self.operators_after} operators in {self.seconds:.2f} s"
        if self.largest_difference is None:
            return f"{told}, not compared: {self.not_compared}"
        return f"{told}, outputs moved by at most {self.largest_difference:.2g}"

    def to_json(self) -> dict[str, Any]:
        """As it stands in `Prepared.steps`."""
        return asdict(self)


class Pipeline:
    """Runs steps over a model.

    Args:
        inputs: Reference inputs, to compare with.
        outputs: What the model answers to them; None where nothing can run it.
        reason: Why there are none.
        scratch: An empty folder on the file system of the model.
        samples: Makes further inputs one by one, over which the values of the graph are measured too.
    """

    def __init__(
        self,
        inputs: Mapping[str, Array],
        outputs: Mapping[str, Array] | None,
        reason: str,
        scratch: Path,
        samples: Callable[[], Iterable[Mapping[str, Array]]] = tuple,
    ) -> None:
        self._inputs = inputs
        self._outputs = outputs
        self._reason = reason
        self._scratch = scratch
        self._samples = samples

    def run(self, model: Model, calls: Iterable[StepCall]) -> tuple[Model, tuple[StepReport, ...]]:
        """The model after all steps, and a report for each.

        Raises:
            Unsupported: a step or a parameter that this host does not know.
            BuildFailed: a step broke the graph, its interface or its numbers.
        """
        planned = [(call, parameters_of(call)) for call in calls]
        reports = []
        for call, parameters in planned:
            model, report = self._one(model, step(call.name), parameters)
            reports.append(report)
        return model, tuple(reports)

    def _one(self, model: Model, one: Step, parameters: Mapping[str, Any]) -> tuple[Model, StepReport]:
        started = time.monotonic()
        changed = applied(model, one, parameters, lambda: self._ranges(model))
        seconds = time.monotonic() - started
        _keep_interface(model, changed, one.NAME)
        # Running the graph once more would show nothing; of a large network it takes minutes.
        largest = self._checked(changed, one) if changed.proto != model.proto else self._unmoved()
        reason = "" if self._outputs is not None else self._reason
        counts = count(model.proto), count(changed.proto)
        return changed, StepReport(one.NAME, *counts, round(seconds, 3), largest, reason)

    def _unmoved(self) -> float | None:
        return None if self._outputs is None else 0.0

    def _checked(self, model: Model, one: Step) -> float | None:
        check_graph(model, one)
        return self.compare(model, one)

    def compare(self, model: Model, one: Step) -> float | None:
        """The largest difference of any output from what it was before a step; None where nothing can be compared.

        Raises: BuildFailed: it is more than the step may change.
        """
        if self._outputs is None:
            return None
        outputs = self._run(model, one)
        largest, problem = difference(self._outputs, outputs, one.TOLERANCE, rounding(model.proto))
        if problem:
            raise _broken(one.NAME, f"changed what the model computes: {problem}")
        self._outputs = outputs
        return largest

    def _ranges(self, model: Model) -> Ranges:
        """How large the values of a model become; nothing where nobody can run it."""
        if self._outputs is None:
            log.warning("the values of the graph are not measured: %s", self._reason)
            return {}
        found: dict[str, float] = {}
        for inputs in chain([self._inputs], self._samples()):
            for name, largest in largest_magnitudes(model, inputs, self._scratch).items():
                found[name] = max(largest, found.get(name, 0.0))
        return found

    def _run(self, model: Model, one: Step) -> dict[str, Array]:
        folder = self._scratch / one.NAME
        folder.mkdir()
        try:
            return run(folder / runnable(model).write(folder)[0], self._inputs)
        except (CannotRun, Invalid) as error:
            raise _broken(one.NAME, f"made a graph that does not run: {error}") from error
        finally:
            shutil.rmtree(folder)


def check_graph(model: Model, one: Step) -> None:
    """Hold what a step made against the rules of ONNX.

    Raises: BuildFailed
    """
    from onnx import checker

    try:
        check(model)
    except checker.ValidationError as error:
        raise _broken(one.NAME, f"made an invalid graph: {error}") from error


def applied(
    model: Model, one: Step, parameters: Mapping[str, Any], ranges: Callable[[], Ranges] = dict[str, float]
) -> Model:
    """The model after a step, unchecked; the one given stays as it is.

    Args:
        model: Before it.
        one: The step.
        parameters: All that it takes.
        ranges: How large the values of the graph are, for a step that asks; by default nobody knows.

    Raises: FarmError: its own, or BuildFailed for whatever it raises.
    """
    copy = model.copy()
    detached = weights.detach(copy.proto) if model.large else {}
    try:
        changed = one.apply(copy.proto, parameters, Measure(model, ranges))
    except (MemoryError, FarmError):
        raise
    except Exception as error:  # tools of others raise what they like
        raise _broken(one.NAME, f"failed: {type(error).__name__}: {error}") from error
    weights.attach(changed, detached)
    _drop_untold(changed)
    keep_metadata(model.proto, changed)
    return model.with_graph(changed)


def _drop_untold(model: ModelProto) -> None:
    """Forget values written down twice, or without a type: tools write such of what plugins give."""
    told: dict[str, Any] = {}
    for value in model.graph.value_info:
        if value.type.WhichOneof("value") != "tensor_type" or value.type.tensor_type.elem_type:
            told.setdefault(value.name, value)
    if len(told) < len(model.graph.value_info):
        kept = [type(value).FromString(value.SerializeToString()) for value in told.values()]
        del model.graph.value_info[:]
        model.graph.value_info.extend(kept)


def _keep_interface(before: Model, after: Model, name: str) -> None:
    """The same inputs and outputs in the same order. An input that the graph no longer needs is one all the same."""
    kept = {value.name: value for value in after.proto.graph.input}
    inputs = [kept.get(value.name, value) for value in before.proto.graph.input]
    added = set(kept) - {value.name for value in inputs}
    outputs = [(spec.name, spec.dtype) for spec in before.outputs]
    if added or outputs != [(spec.name, spec.dtype) for spec in after.outputs]:
        raise _broken(name, "changed the inputs or outputs of the graph")
    replaced: ModelProto = after.proto
    restored = [type(value).FromString(value.SerializeToString()) for value in inputs]
    del replaced.graph.input[:]
    replaced.graph.input.extend(restored)


def _broken(name: str, what: str) -> BuildFailed:
    # A step that gives up digits comes with the precision, and cannot be left out.
    rounds = step(name).TOLERANCE is None
    way = "Build it with another --precision" if rounds else f"Leave it out with --steps default,-{name}"
    return BuildFailed(f"the graph step {name} {what}"[:600], f"{way}, and report the model: {name}.")
