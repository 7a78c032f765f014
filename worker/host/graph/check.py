"""The checker of ONNX, for models of any size."""

from __future__ import annotations

from . import weights
from .model import Model


def check(model: Model) -> None:
    """Hold a graph against the rules of ONNX.

    Its big weights are out of the way meanwhile: in memory there would be too much, and from a file the checker refuses
    weights with a second name, such as those of a cache.

    Raises: onnx.checker.ValidationError
    """
    from onnx import checker

    copy = model.copy()
    weights.detach(copy.proto)
    for value in (*copy.proto.graph.input, *copy.proto.graph.output):
        # Exporters leave out what they do not know, and runtimes take it; the checker wants at least a field.
        value.type.tensor_type.shape.SetInParent()
    checker.check_model(copy.proto)
