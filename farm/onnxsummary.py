"""What a person wants to know about an ONNX file before it is built: inputs, outputs, operators, weights."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, FrozenSet, List, Optional, Set, Tuple, Union

from .onnxfile import Message, external_files, messages, opened
from .protocol.inputs import DeclaredInput
from .protocol.shapes import format_shape
from .protowire import SPAN, Bytes, Field, Malformed, fields, integers, signed, text

_DTYPES = (
    *("undefined", "float32", "uint8", "int8", "uint16", "int16", "int32", "int64", "string", "bool"),
    *("float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"),
    *("float8e4m3fn", "float8e4m3fnuz", "float8e5m2", "float8e5m2fnuz"),
    *("uint4", "int4", "float4e2m1", "float8e8m0"),
)


@dataclass(frozen=True)
class OnnxTensor:
    """An input or output of the graph; an axis is a size, or the name the exporter gave it (`?` without one)."""

    name: str
    dtype: str
    shape: Optional[Tuple[str, ...]]

    def __str__(self) -> str:
        axes = "any shape" if self.shape is None else format_shape(self.shape)
        return f"{self.name}: {self.dtype} {axes}"


@dataclass(frozen=True)
class OnnxSummary:
    """An ONNX file in a few numbers. Sizes are those on disk.

    Attributes:
        inputs: Without those that an initializer fills.
        operators: Operator to how often it occurs, most frequent first; with its domain where that is not ONNX's own.
        parameters: Elements of all constant tensors, in initializers and in nodes.
    """

    ir_version: int
    producer: str
    opsets: Dict[str, int]
    inputs: Tuple[OnnxTensor, ...]
    outputs: Tuple[OnnxTensor, ...]
    operators: Dict[str, int]
    parameters: int
    size_bytes: int
    external: Dict[str, int] = field(default_factory=dict)


def summary(path: Union[str, Path]) -> OnnxSummary:
    """The summary of a model on disk.

    Raises: Invalid: not an ONNX file, or its external data is not there.
    """
    path = Path(path)
    with opened(path) as data:
        head = _head(data)
        graph = next(message for message in messages(data) if message.kind == "graph")
        inputs, outputs, filled = _graph(data, graph)
        operators: Counter[str] = Counter()
        parameters = 0
        for message in messages(data):
            if message.kind == "node":
                operators[_operator(data, message)] += 1
            elif message.kind == "tensor":
                parameters += _elements(data, message)
        return OnnxSummary(
            ir_version=head.ir_version,
            producer=" ".join(part for part in head.producer if part),
            opsets=head.opsets,
            inputs=tuple(item for item in inputs if item.name not in filled),
            outputs=tuple(outputs),
            operators=dict(operators.most_common()),
            parameters=parameters,
            size_bytes=len(data),
            external={item.name: item.size_bytes for item in external_files(path)},
        )


def declared_inputs(path: Union[str, Path]) -> Tuple[DeclaredInput, ...]:
    """The inputs of a model on disk, without those that an initializer fills.

    Raises: Invalid: not an ONNX file.
    """
    with opened(path) as data:
        graph = next(message for message in messages(data) if message.kind == "graph")
        inputs, _, filled = _graph(data, graph)
    return tuple(_declared(item) for item in inputs if item.name not in filled)


def element_types(path: Union[str, Path]) -> FrozenSet[str]:
    """Every type of a weight, and of a value that the graph declares, such as `float16`; weights are not read.

    Raises: Invalid: not an ONNX file.
    """
    found: Set[str] = set()
    with opened(path) as data:
        for message in messages(data):
            for part in fields(data, message.start, message.end):
                if message.kind == "tensor" and part.tag == 2:
                    found.add(_word(part.number))
                elif message.kind == "graph" and part.tag in (11, 12, 13):
                    found.add(_tensor(data, part).dtype)
    return frozenset(found)


def _declared(item: OnnxTensor) -> DeclaredInput:
    axes = None if item.shape is None else tuple(int(axis) if axis.isdigit() else axis for axis in item.shape)
    return DeclaredInput(item.name, axes)


@dataclass
class _Head:
    ir_version: int = 0
    producer: Tuple[str, str] = ("", "")
    opsets: Dict[str, int] = field(default_factory=dict)


def _head(data: Bytes) -> _Head:
    head = _Head()
    for item in fields(data, 0, len(data)):
        if item.tag == 1:
            head.ir_version = item.number
        elif item.tag == 2:
            head.producer = (text(data, item), head.producer[1])
        elif item.tag == 3:
            head.producer = (head.producer[0], text(data, item))
        elif item.tag == 8:
            domain, version = "", 0
            for part in _inner(data, item):
                domain = text(data, part) if part.tag == 1 else domain
                version = part.number if part.tag == 2 else version
            head.opsets[domain or "ai.onnx"] = version
    return head


def _graph(data: Bytes, graph: Message) -> Tuple[List[OnnxTensor], List[OnnxTensor], Set[str]]:
    """Inputs, outputs and the names that initializers fill."""
    inputs: List[OnnxTensor] = []
    outputs: List[OnnxTensor] = []
    filled: Set[str] = set()
    for item in fields(data, graph.start, graph.end):
        if item.tag == 5:
            filled.update(text(data, part) for part in _inner(data, item) if part.tag == 8)
        elif item.tag in (11, 12):
            (inputs if item.tag == 11 else outputs).append(_tensor(data, item))
    return inputs, outputs, filled


def _elements(data: Bytes, tensor: Message) -> int:
    axes = (part for part in fields(data, tensor.start, tensor.end) if part.tag == 1)
    elements = 1
    for part in axes:
        for axis in integers(data, part):
            elements *= axis
    return elements


def _tensor(data: Bytes, item: Field) -> OnnxTensor:
    name, dtype, shape = "", "", None
    for part in _inner(data, item):
        if part.tag == 1:
            name = text(data, part)
        elif part.tag == 2:
            for kind in _inner(data, part):
                if kind.tag == 1:
                    dtype, shape = _tensor_type(data, kind)
    return OnnxTensor(name, dtype or "not a tensor", shape)


def _tensor_type(data: Bytes, kind: Field) -> Tuple[str, Optional[Tuple[str, ...]]]:
    dtype, shape = "undefined", None
    for part in _inner(data, kind):
        if part.tag == 1:
            dtype = _word(part.number)
        elif part.tag == 2:
            shape = tuple(_axis(data, axis) for axis in _inner(data, part) if axis.tag == 1)
    return dtype, shape


def _word(number: int) -> str:
    return _DTYPES[number] if number < len(_DTYPES) else f"type {number}"


def _axis(data: Bytes, axis: Field) -> str:
    for part in _inner(data, axis):
        if part.tag == 1:
            return str(signed(part.number))
        if part.tag == 2:
            return text(data, part) or "?"
    return "?"


def _operator(data: Bytes, node: Message) -> str:
    kind = domain = ""
    for part in fields(data, node.start, node.end):
        if part.tag == 4:
            kind = text(data, part)
        elif part.tag == 7:
            domain = text(data, part)
    return f"{domain}::{kind}" if domain and domain != "ai.onnx" else kind


def _inner(data: Bytes, item: Field) -> Tuple[Field, ...]:
    if item.wire != SPAN:
        raise Malformed(f"byte {item.start} should hold a message")
    return tuple(fields(data, item.start, item.end))
