"""Hold a builder that chooses types to those of a mixed graph: TensorRT 8, whose networks are not typed by it."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, FrozenSet

log = logging.getLogger(__name__)


def float32_tensors(model: Path) -> FrozenSet[str]:
    """The tensors that operators of a graph give in float32."""
    import onnx

    graph = onnx.shape_inference.infer_shapes(onnx.load(str(model), load_external_data=False)).graph
    made = {name for operator in graph.node for name in operator.output}
    known = (*graph.value_info, *graph.output)
    floats = {value.name for value in known if value.type.tensor_type.elem_type == onnx.TensorProto.FLOAT}
    return frozenset(floats & made)


def hold(trt: Any, network: Any, names: FrozenSet[str]) -> int:
    """Compute in float32 what gives one of these tensors; the flag OBEY_PRECISION_CONSTRAINTS makes it binding.

    The layers of the parser give tensors of the names in the graph. What it puts between them has names of its own and
    stays free, as has what the graph computes in float16.

    Returns: How many layers are held.
    """
    held = 0
    for index in range(network.num_layers):
        layer = network.get_layer(index)
        places = [place for place in range(layer.num_outputs) if layer.get_output(place).name in names]
        # A constant computes nothing; its type is that of its weights.
        if not places or layer.type == trt.LayerType.CONSTANT:
            continue
        layer.precision = trt.DataType.FLOAT
        for place in places:
            layer.set_output_type(place, trt.DataType.FLOAT)
        held += 1
    log.info("%d of %d layers are held to float32", held, network.num_layers)
    return held
