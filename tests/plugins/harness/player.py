"""Plays TensorRT 10 with the glue of a plugin and its kernels on the processor, from the graph to the outputs.

Nothing of NVIDIA's runs here but headers: a C++ program takes the plugin through what a builder and a runtime ask of
it, in the order in which they ask, under the sanitizers that watch the kernels too. With `FARM_TEST_CARD` set the same
program plays with the kernels on a card, compiled as devices compile them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.plugins.compiling import PLUGINS
from tests.plugins.cpu.compiled import ROOT, beside, library, runtime
from tests.plugins.cpu.kernels import Array, Kernels, Output, Scratch

HERE = Path(__file__).parent
_UNITS = ("play.cpp", "harness.cpp")
_ROOM_BYTES = 1 << 16
_MOST_TENSORS = 8

# Whole numbers, others and words, alone or in a list.
Attributes = Mapping[str, Any]
# How many times as long as its inputs an axis may become, or the largest shape of each input.
Most = float | Sequence[tuple[int, ...]]


class Refused(AssertionError):
    """Raised when the plugin did not do its part; the message is what the play saw, then what the plugin logged."""


@dataclass(frozen=True)
class Told:
    """What a builder learns of a plugin."""

    outputs: tuple[Output, ...]
    workspace_bytes: int


def parts(name: str, headers: str) -> tuple[Path, Kernels]:
    """The library of a plugin, and what plays the TensorRT whose headers lie in a folder, both for the processor."""
    folder, foreign = PLUGINS / name, f"-isystem{headers}"
    kernels = library(folder / "kernel.cu", ROOT / "tests/plugins" / name / "binding.cpp")
    plugin = beside(kernels, folder / "plugin.cpp", flags=(foreign,))
    return plugin, Kernels(beside(runtime(), *(HERE / unit for unit in _UNITS), flags=(foreign,)))


class Player:
    """One plugin, played. Close it, or use it in a `with`."""

    def __init__(self, name: str, headers: str) -> None:
        self._plugin, self._kernels = parts(name, headers)

    def ask(self, operator: str, attributes: Attributes, *inputs: Array, most: Most = 1.0) -> Told:
        """What a builder learns, up to writing the plan.

        Args:
            operator: Name of the creator.
            attributes: As the node of a graph has them.
            inputs: For their types and sizes.
            most: What the builder is told of larger inputs.

        Raises: Refused: something was not as it should be.
        """
        return _told(self._played(operator, attributes, inputs, most, False, (), 0)[0])

    def run(self, operator: str, attributes: Attributes, *inputs: Array, most: Most = 1.0) -> list[Array]:
        """The outputs, of a plugin that was written into a plan and read again; their memory was poisoned before.

        Args: as `ask`.

        Raises: Refused: something was not as it should be.
        """
        told = self.ask(operator, attributes, *inputs, most=most)
        return self._played(operator, attributes, inputs, most, True, told.outputs, told.workspace_bytes)[1:]

    def _played(
        self,
        operator: str,
        attributes: Attributes,
        inputs: Sequence[Array],
        most: Most,
        execute: bool,
        outputs: Sequence[Output],
        workspace_bytes: int,
    ) -> list[Array]:
        lines = (f"library {self._plugin}", *_order(operator, attributes, inputs, most))
        order = np.frombuffer("\n".join(lines).encode(), np.uint8)
        tensors = [*inputs, *outputs]
        assert len(tensors) <= _MOST_TENSORS, "the door of the harness is too narrow"
        absent = [None] * (_MOST_TENSORS - len(tensors))
        report = Output((_ROOM_BYTES,), np.uint8)
        scratch = Scratch(workspace_bytes) if workspace_bytes else None
        said, *made = self._kernels.call(
            "harness_play", order, order.nbytes, report, _ROOM_BYTES, int(execute), scratch, *tensors, *absent
        )
        text = said.tobytes().partition(b"\0")[0].decode()
        if text.startswith("failed"):
            raise Refused(text.removeprefix("failed ").strip())
        return [text, *made]

    def close(self) -> None:
        """End the process in which it is played."""
        self._kernels.close()

    def __enter__(self) -> Player:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _order(operator: str, attributes: Attributes, inputs: Sequence[Array], most: Most) -> list[str]:
    fields = [f"field {name} {_kind_and_values(value)}" for name, value in attributes.items()]
    given = []
    for array, largest in zip(inputs, _largest(inputs, most), strict=True):
        sizes = " ".join(map(str, (*array.shape, *largest)))
        given.append(f"input {array.dtype} {array.ndim} {sizes}")
    return [f"operator {operator}", *fields, *given]


def _largest(inputs: Sequence[Array], most: Most) -> Sequence[tuple[int, ...]]:
    if isinstance(most, (int, float)):
        return [tuple(math.ceil(size * most) for size in array.shape) for array in inputs]
    return most


def _kind_and_values(value: int | float | str | Sequence[int] | Sequence[float]) -> str:
    if isinstance(value, str):
        return f"word {value}"
    values = [value] if isinstance(value, (int, float)) else list(value)
    kind = "float" if any(isinstance(item, float) for item in values) else "int"
    return f"{kind} {' '.join(repr(item) for item in values)}"


def _told(report: str) -> Told:
    outputs = []
    workspace = 0
    for line in report.splitlines():
        what, *words = line.split()
        if what == "workspace":
            workspace = int(words[0])
        elif what == "output":
            outputs.append(Output(tuple(map(int, words[1:])), np.dtype(words[0])))
    return Told(tuple(outputs), workspace)
