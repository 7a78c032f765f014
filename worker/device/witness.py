"""What the outputs of an engine are held against: the references of the preparation, or a float32 build beside it."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Dict, Optional

from farm.protocol.errors import FarmError
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.work import BuildWork
from farm.runtime.arrays import load_arrays
from worker.child.guard import OUTPUTS_FILE

from .builders.base import Builder, BuildOrder, nobody
from .builders.widen import widen

log = logging.getLogger(__name__)

Array = Any

_FOLDER = "float32"
# What a machine needs for any build; all else would make the reference less plain.
_KEPT = ("memPoolSize", "tacticSources", "verbose")


@dataclass(frozen=True)
class Witness:
    """What an engine should have given.

    Attributes:
        references: By output; None where nobody can tell.
        told_by: Who told; where nobody did, the reason.
    """

    references: Optional[Dict[str, Array]]
    told_by: str


def witness(
    work: BuildWork, workspace: Path, builder: Builder, order: BuildOrder, inputs: Optional[Dict[str, Array]]
) -> Witness:
    """Who answers for an engine. A float32 build takes as long as any; it is over when this returns.

    Args:
        work: Says whom to ask.
        workspace: Of the build.
        builder: Makes a float32 build where one is needed.
        order: Of the engine.
        inputs: Reference inputs.
    """
    if not work.verify.enabled or inputs is None:
        return Witness(None, "")
    if work.needs_float32:
        return _float32(builder, order, inputs)
    if work.prepared.reference_outputs is None:
        reason = work.prepared.reference.partition("none: ")[2] or work.prepared.reference
        return Witness(None, f"there are no reference outputs: {reason}")
    return Witness(load_arrays(workspace / "input" / OUTPUTS_FILE), work.prepared.reference)


def _float32(builder: Builder, order: BuildOrder, inputs: Dict[str, Array]) -> Witness:
    name = f"{order.target.backend} {order.target.backend_version}"
    if order.options.precision is Precision.FP32:
        return Witness(None, "it is a float32 build itself, and nothing else answers for its plugins")
    log.info("building in float32, to hold the engine against it")
    folder = order.scratch / _FOLDER
    for part in (folder / "output", folder / "scratch"):
        part.mkdir(parents=True)
    try:
        plain = _plain(order, folder)
        built = builder.build(plain)
        with builder.open(plain.output / built.files[0], plain.options) as session:
            outputs = session.run(inputs)
    except FarmError as error:
        log.warning("no float32 build: %s", error.message)
        return Witness(None, f"there is no float32 build to hold it against: {error.message}")
    return Witness(dict(outputs), f"float32 build of {name} with the same plugins")


def _plain(order: BuildOrder, folder: Path) -> BuildOrder:
    options = order.options
    kept = {name: value for name, value in options.backend_options.items() if name in _KEPT}
    model = widen(order.model, folder)
    names = order.files if model == order.model else tuple(sorted(item.name for item in folder.glob(f"{model.name}*")))
    return replace(
        order,
        model=model,
        files=names,
        options=BuildOptions(Precision.FP32, options.profiles, backend_options=kept),
        calibration=None,
        output=folder / "output",
        scratch=folder / "scratch",
        timing=None,
        progress=nobody,
    )
