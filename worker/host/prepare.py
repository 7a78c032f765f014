"""One preparation, from the files of a model to the graph and references that devices get."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from farm.device.hosttools import probe_host_tools
from farm.device.machine import Machine
from farm.filehash import file_ref
from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.keys import PreparationRecipe
from farm.protocol.model import GRAPH_FILE, FileRef
from farm.protocol.options import ReferencePolicy
from farm.protocol.states import State
from farm.protocol.work import PreparationWork, Prepared
from farm.runtime.arrays import save_arrays
from worker.child.guard import INPUTS_FILE, OUTPUTS_FILE

from .adapt import adapt
from .graph.foreign import plugin_operators
from .graph.metadata import detection_of
from .graph.model import Model
from .reference.outputs import Reference, of_author

log = logging.getLogger(__name__)

Array = Any
Enter = Callable[[State, str], None]


def prepare(work: PreparationWork, folder: Path, enter: Enter) -> Prepared:
    """Make the preparation in a workspace: files from `input/`, results to `output/`.

    Args:
        work: What to make.
        folder: The workspace; `scratch/` in it is emptied and removed.
        enter: Told of each stage as it begins.

    Raises: FarmError: the model is wrong, too little is known to make inputs, or a step broke it.
    """
    source, output, scratch = folder / "input", folder / "output", folder / "scratch"
    scratch.mkdir()
    _check_tools(work.key.recipe)
    policy = work.key.reference
    given = source / INPUTS_FILE if policy.inputs else None
    adapted = adapt(source / GRAPH_FILE, work.key.recipe.steps, policy, given, scratch, partial(enter, State.PREPARING))
    prepared, answered = adapted.model, adapted.reference
    for report in adapted.reports:
        log.info("%s", report)
    enter(State.REFERENCING, "")
    outputs = _ranked(prepared, answered)
    reference = _reference(policy, source, outputs, answered)
    files = _written(prepared, output, {item.name: item for item in work.model.files})
    stored = _stored(output, adapted.inputs, reference)
    shutil.rmtree(scratch)
    return Prepared(
        files=files,
        inputs=prepared.inputs,
        outputs=outputs,
        reference_inputs=stored[INPUTS_FILE],
        reference_outputs=stored.get(OUTPUTS_FILE),
        reference=reference.origin,
        steps=tuple(report.to_json() for report in adapted.reports),
        plugin_operators=plugin_operators(prepared.proto),
        detection=detection_of(prepared.proto),
    )


def _check_tools(recipe: PreparationRecipe) -> None:
    """The graph must come out as the key promises, so the tools must be those of the recipe."""
    here = probe_host_tools(Machine()) if recipe.tools else {}
    for name, wanted in recipe.tools.items():
        if here.get(name) != wanted:
            raise Unsupported(
                f"the recipe asks for {name} {wanted}, this host has {here.get(name, 'none')}",
                "Submit again: the recipe follows the hosts that are there.",
            )


def _reference(
    policy: ReferencePolicy, source: Path, outputs: tuple[TensorSpec, ...], answered: Reference
) -> Reference:
    return of_author(source / OUTPUTS_FILE, outputs) if policy.outputs else answered


def _ranked(model: Model, answered: Reference) -> tuple[TensorSpec, ...]:
    """The outputs, with the number of axes that they were seen to have where the graph does not tell it."""
    told = {value.name for value in model.proto.graph.output if value.type.tensor_type.HasField("shape")}
    return tuple(spec if spec.name in told else _seen(spec, answered) for spec in model.outputs)


def _seen(spec: TensorSpec, answered: Reference) -> TensorSpec:
    if answered.outputs is None:
        raise Invalid(
            f"the model does not say how many axes its output {spec.name!r} has",
            "Give the output a shape when you export it.",
        )
    return replace(spec, shape=(-1,) * answered.outputs[spec.name].ndim)


def _written(model: Model, output: Path, known: Mapping[str, FileRef]) -> tuple[FileRef, ...]:
    return tuple(_file(output, name, known) for name in model.write(output))


def _file(output: Path, name: str, known: Mapping[str, FileRef]) -> FileRef:
    # Weights that no step touched are the model's own files: their digest was verified when they arrived.
    same = known.get(name) if name != GRAPH_FILE else None
    return same if same is not None else file_ref(output / name, name)


def _stored(output: Path, inputs: Mapping[str, Array], reference: Reference) -> dict[str, str]:
    """File name to digest."""
    save_arrays(output / INPUTS_FILE, inputs)
    names: Iterable[str] = [INPUTS_FILE]
    if reference.outputs is not None:
        save_arrays(output / OUTPUTS_FILE, reference.outputs)
        names = [INPUTS_FILE, OUTPUTS_FILE]
    return {name: file_ref(output / name, name).sha256 for name in names}
