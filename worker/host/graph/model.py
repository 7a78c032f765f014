"""A model on its way through the steps, and how it is written."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid
from farm.protocol.model import GRAPH_FILE

from . import weights
from .walk import tensors

if TYPE_CHECKING:
    from onnx import ModelProto, ValueInfoProto

WEIGHTS_FILE = "model.weights"


@dataclass(frozen=True)
class Model:
    """A graph in memory, with the folder that holds those of its weights that are in files.

    Attributes:
        large: Its big weights stay in files, or at least out of the way of the steps.
    """

    proto: ModelProto
    folder: Path
    large: bool

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What the graph takes, without what an initializer fills; -1 is an axis of any size."""
        filled = {tensor.name for tensor in self.proto.graph.initializer}
        return tuple(_spec(value) for value in self.proto.graph.input if value.name not in filled)

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What the graph gives."""
        return tuple(_spec(value) for value in self.proto.graph.output)

    def with_graph(self, proto: ModelProto) -> Model:
        """The same weights under another graph."""
        return Model(proto, self.folder, self.large)

    def copy(self) -> Model:
        """A model whose graph may be changed without harm to this one."""
        from onnx import ModelProto

        proto = ModelProto()
        proto.CopyFrom(self.proto)
        return self.with_graph(proto)

    def write(self, folder: Path) -> tuple[str, ...]:
        """Write the graph and the weights it still needs into a folder; the names of the files, the graph first.

        Files of weights that the model came with are linked, not copied: whatever a model weighs, only what the
        steps changed is written.
        """
        copy = self.copy()
        if sum(weights.byte_size(tensor) for tensor in tensors(copy.proto) if not weights.is_external(tensor)) > (
            weights.LARGE_BYTES
        ):
            weights.spill(copy.proto, folder / self._free_name())
        names = sorted({weights.location(t) for t in tensors(copy.proto) if weights.is_external(t)})
        for name in names:
            if not (folder / name).exists():
                link(self.folder / name, folder / name)
        (folder / GRAPH_FILE).write_bytes(copy.proto.SerializeToString())
        return (GRAPH_FILE, *names)

    def _free_name(self) -> str:
        """A name that no file of the model has, even one that is no longer needed: names stand for digests."""
        name, number = WEIGHTS_FILE, 1
        while (self.folder / name).exists():
            name, number = f"{WEIGHTS_FILE}.{number}", number + 1
        return name


def written(model: Model, path: Path) -> list[str]:
    """Write a model to a file of that name, its weights beside it; the files.

    Raises: Invalid: a file of weights is there already, and is another one.
    """
    with tempfile.TemporaryDirectory(dir=path.absolute().parent, prefix=".model-") as scratch:
        names = model.write(Path(scratch))
        for name in names[1:]:
            _move(Path(scratch) / name, path.parent / name)
        (Path(scratch) / GRAPH_FILE).replace(path)
    return [str(path), *(str(path.parent / name) for name in names[1:])]


def _move(source: Path, target: Path) -> None:
    """Give a file of weights its place, unless it is there."""
    if target.exists():
        if not target.samefile(source):
            raise Invalid(f"{target} is there, and holds other weights", "Give --output in another folder.")
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    source.replace(target)


def link(source: Path, target: Path) -> None:
    """The same file under a second name; a copy where the two are on different file systems."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _spec(value: ValueInfoProto) -> TensorSpec:
    from onnx import helper

    kind = value.type.tensor_type
    shape = tuple(axis.dim_value if axis.HasField("dim_value") else -1 for axis in kind.shape.dim)
    return TensorSpec(value.name, helper.tensor_dtype_to_np_dtype(kind.elem_type).name, shape)
