"""The layers of a network before TensorRT fuses them: all that is known of an engine that cannot be opened here."""

from __future__ import annotations

from typing import Any, Dict, Tuple

from farm.runtime.tensorrt.information import types_text


def network_layers(network: Any) -> Tuple[Dict[str, Any], ...]:
    """In the order of the parser: `name`, `operator`, `types`; see `farm.runtime.layerfile`."""
    return tuple(_layer(network.get_layer(index)) for index in range(network.num_layers))


def _layer(layer: Any) -> Dict[str, Any]:
    tensors = (layer.get_input(index) for index in range(layer.num_inputs))
    # An optional input that is not used is nothing.
    inputs = [tensor.dtype.name for tensor in tensors if tensor is not None]
    outputs = [layer.get_output(index).dtype.name for index in range(layer.num_outputs)]
    return {"name": layer.name, "operator": layer.type.name.lower(), "types": types_text(inputs, outputs)}
