"""What an engine takes and gives, in a file beside its plan: the program tells neither types nor open axes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Sequence, Tuple

from farm.protocol.codec import dumps, loads
from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid, NotFound, Unsupported

TENSORS_FILE = "tensors.json"

# Names of such tensors would be read as two, or as a name with a value.
_SEPARATORS = (",", "'", '"', "\n")


@dataclass(frozen=True)
class Tensors:
    """The inputs and outputs of a plan; `version` is that of the trtexec that built it."""

    version: str
    inputs: Tuple[TensorSpec, ...]
    outputs: Tuple[TensorSpec, ...]


def write_tensors(folder: Path, tensors: Tensors) -> None:
    """Put them beside the plan."""
    (folder / TENSORS_FILE).write_text(dumps(tensors), encoding="utf-8")


def read_tensors(plan: Path) -> Tensors:
    """Those of a plan.

    Raises: NotFound: nothing lies beside it that tells them.
    """
    path = plan.parent / TENSORS_FILE
    try:
        return loads(Tensors, path.read_bytes())
    except (OSError, Invalid) as error:
        raise NotFound(f"there is no {TENSORS_FILE} beside {plan.name}: {error}", "Fetch the engine again.") from error


def check_names(tensors: Sequence[TensorSpec]) -> None:
    """The program can be told of each.

    Raises: Unsupported: a name holds what separates its arguments.
    """
    for spec in tensors:
        if any(mark in spec.name for mark in _SEPARATORS):
            raise Unsupported(
                f"trtexec cannot be told of the tensor {spec.name!r}", "Rename it without commas and quotes."
            )
