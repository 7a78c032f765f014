"""From an ONNX file to a TensorRT network, and from the parser's errors to a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, List, Sequence, Tuple

from farm.backends.tensorrt.advice import advice
from farm.backends.tensorrt.logger import Sayings
from farm.protocol.engine import TensorSpec
from farm.protocol.errors import BuildFailed, FarmError, Unsupported

# The parser wraps what it has to say in the C++ it comes from: `creator && "Plugin not found …"`.
_QUOTED = re.compile(r'"([^"]{12,})"')
_PLACE = re.compile(r"^(?:\[\w+\] )?(?:Assertion failed: )?")
_PLUGIN = re.compile(r"plugin (?:was )?not found|getPluginCreator|checkFallbackPluginImporter", re.IGNORECASE)
# What the parser asserts of an operator that it knows by name and never takes.
_NEVER = "false"
_LONGEST = 500

_DTYPES = {
    "FLOAT": "float32",
    "HALF": "float16",
    "BF16": "bfloat16",
    "INT8": "int8",
    "UINT8": "uint8",
    "INT32": "int32",
    "INT64": "int64",
    "BOOL": "bool",
    "FP8": "float8e4m3fn",
}


def parse(parser: Any, network: Any, model: Path, name: str, sayings: Sayings) -> None:
    """Read the graph into the network; weights in files beside it are found.

    Args:
        parser: An `OnnxParser` over the network.
        network: What it fills.
        model: The graph.
        name: Of backend and version, for messages.
        sayings: What TensorRT says meanwhile.

    Raises:
        Unsupported: an operator that this TensorRT does not have.
        BuildFailed: the graph cannot be read; the message names the operator that stopped it.
    """
    if not parser.parse_from_file(str(model)):
        errors = [parser.get_error(index) for index in range(parser.num_errors)]
        raise _refusal(errors, model, name, sayings.errors())
    if network.num_outputs == 0:
        raise BuildFailed(f"{name} finds no outputs in the graph", "Export the model again.")


def inputs_of(network: Any) -> Tuple[TensorSpec, ...]:
    """What the network takes; -1 is an open axis."""
    return tuple(_spec(network.get_input(index)) for index in range(network.num_inputs))


def outputs_of(network: Any) -> Tuple[TensorSpec, ...]:
    """What the network gives."""
    return tuple(_spec(network.get_output(index)) for index in range(network.num_outputs))


def sentence(text: str) -> str:
    """What an error says, without the C++ around it, on one line."""
    flat = " ".join(text.split())
    quoted = _QUOTED.search(flat) if "&&" in flat else None
    return (quoted.group(1) if quoted else _PLACE.sub("", flat))[:_LONGEST].rstrip(".?! ")


@dataclass(frozen=True)
class Complaint:
    """What a parser says of a graph.

    Attributes:
        text: As it says it.
        node: Number of the operator that stopped it; -1 where it is none.
        function: Of the parser.
        readable: The file is an ONNX model.
    """

    text: str
    node: int = -1
    function: str = ""
    readable: bool = True


def refusal(complaint: Complaint, model: Path, name: str, said: Sequence[str]) -> FarmError:
    """The error for a graph that a parser refuses; `said` is what TensorRT says beside it."""
    told = sentence(complaint.text)
    if not complaint.readable:
        return BuildFailed(f"{name} cannot read the file as ONNX: {told}", "Submit a model that is an ONNX file.")
    kind, operator = _operator(model, complaint.node)
    if kind and _PLUGIN.search(f"{complaint.text} {complaint.function}"):
        return Unsupported(
            f"{name} has no operator {kind}, which {operator} needs, and no plugin of that name is loaded",
            "Add a plugin for it with farm plugin add, or export the model without the operator.",
        )
    if kind and told == _NEVER:
        return Unsupported(f"{name} has no operator {kind}, which {operator} needs", "Export the model without it.")
    hint = advice((*said, complaint.text)) or "Change that part of the model, or its export."
    return BuildFailed(f"{name} cannot parse {operator}: {told}", hint)


def _refusal(errors: List[Any], model: Path, name: str, said: Sequence[str]) -> FarmError:
    if not errors:
        return BuildFailed(f"{name} cannot read the graph", "The log of the attempt has what it said.")
    first = errors[0]
    readable = first.code().name != "MODEL_DESERIALIZE_FAILED"
    return refusal(Complaint(first.desc(), first.node(), first.func(), readable), model, name, said)


def _operator(model: Path, index: int) -> Tuple[str, str]:
    """The type of an operator, and what to call it; the graph tells, since older parsers know no names."""
    import onnx

    nodes = onnx.load(str(model), load_external_data=False).graph.node
    if not 0 <= index < len(nodes):
        return "", "the graph"
    node = nodes[index]
    kind = f"{node.domain}::{node.op_type}" if node.domain not in ("", "ai.onnx") else node.op_type
    return kind, f"the {kind} {node.name!r}" if node.name else f"the {kind} that gives {node.output[0]!r}"


def _spec(tensor: Any) -> TensorSpec:
    dtype = tensor.dtype.name
    return TensorSpec(tensor.name, _DTYPES.get(dtype, dtype.lower()), tuple(tensor.shape))
