"""Weights of a graph and where they lie: inside its file, or outside, in a file beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Iterator, NamedTuple, Optional

from farm.protocol.errors import BuildFailed
from farm.protocol.model import check_relative


class Span(NamedTuple):
    """Where a weight lies outside of its graph: a file name relative to the graph's folder, and a range of bytes."""

    location: str
    offset: int
    length: int


def span_of(tensor: Any) -> Optional[Span]:
    """Where a weight lies outside; None for one inside the graph."""
    told = {entry.key: entry.value for entry in tensor.external_data}
    if not told:
        return None
    return Span(told["location"], int(told.get("offset", 0)), int(told["length"]))


def tensors(graph: Any) -> Iterator[Any]:
    """Every weight of a graph and of the graphs inside its operators."""
    yield from graph.initializer
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t"):
                yield attribute.t
            if attribute.HasField("g"):
                yield from tensors(attribute.g)


def adopt(engine: Path, folder: Path, own: str) -> None:
    """Bring weights that still lie in files of the model into the engine, which must stand alone.

    Args:
        engine: The graph; rewritten only where it needs to be.
        folder: Of the model.
        own: Name of the engine's own file of weights, whose contents stay there.

    Raises: BuildFailed: a file of the model is shorter than its graph says.
    """
    import onnx

    model = onnx.load(str(engine), load_external_data=False)
    strays = [(tensor, span) for tensor, span in _outside(model.graph) if span.location != own]
    for tensor, span in strays:
        with (folder / check_relative(span.location)).open("rb") as stream:
            stream.seek(span.offset)
            data = stream.read(span.length)
        if len(data) != span.length:
            raise BuildFailed(f"{span.location} ends before the weight {tensor.name}", "Submit the model again.")
        del tensor.external_data[:]
        tensor.data_location = onnx.TensorProto.DEFAULT
        tensor.raw_data = data
    if strays:
        engine.write_bytes(model.SerializeToString(deterministic=True))


def _outside(graph: Any) -> Iterator[tuple[Any, Span]]:
    for tensor in tensors(graph):
        span = span_of(tensor)
        if span is not None:
            yield tensor, span
