"""Models that are wrong in one way each, and the sentence that each must get."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from onnx import ModelProto, TensorProto, helper, numpy_helper

X = ("x", TensorProto.FLOAT, [1, 4])
Y = ("y", TensorProto.FLOAT, [1, 4])
Value = tuple[str, int, Any]


def graph(
    operators: Sequence[Any],
    inputs: Sequence[Value] = (X,),
    outputs: Sequence[Value] = (Y,),
    weights: Sequence[TensorProto] = (),
    opsets: Sequence[tuple[str, int]] = (("", 17),),
    ir_version: int = 8,
) -> ModelProto:
    """A model that nothing has checked."""
    made = helper.make_graph(
        list(operators),
        "g",
        [helper.make_tensor_value_info(*value) for value in inputs],
        [helper.make_tensor_value_info(*value) for value in outputs],
        list(weights),
    )
    domains = [helper.make_opsetid(*opset) for opset in opsets]
    return helper.make_model(made, opset_imports=domains, ir_version=ir_version)


def relu(source: str = "x", target: str = "y") -> Any:
    return helper.make_node("Relu", [source], [target])


def weight(name: str = "w", dims: Sequence[int] = (4, 4), raw: bytes | None = None) -> TensorProto:
    made = numpy_helper.from_array(np.ones((4, 4), np.float32), name)
    del made.dims[:]
    made.dims.extend(dims)
    if raw is not None:
        made.raw_data = raw
    return made


def product(weight_: TensorProto) -> ModelProto:
    return graph([helper.make_node("MatMul", ["x", "w"], ["y"])], weights=[weight_])


def _sequence() -> ModelProto:
    made = graph([helper.make_node("SequenceConstruct", ["x"], ["y"])], outputs=[])
    made.graph.output.append(helper.make_tensor_sequence_value_info("y", TensorProto.FLOAT, [1, 4]))
    return made


def _element_type(number: int) -> ModelProto:
    made = graph([relu()])
    made.graph.input[0].type.tensor_type.elem_type = number
    return made


def _weight_type(number: int) -> ModelProto:
    made = weight()
    made.data_type = number
    return product(made)


# What is wrong → how the model is made, a part of the sentence.
BROKEN: dict[str, tuple[Callable[[], ModelProto], str]] = {
    "unknown operator": (
        lambda: graph([helper.make_node("Foo", ["x"], ["y"])]),
        "the operator Foo, which ONNX opset 17 does not have",
    ),
    "domain without version": (
        lambda: graph([helper.make_node("Foo", ["x"], ["y"], domain="com.example")]),
        "operators of the domain 'com.example' without saying which version",
    ),
    "no outputs": (lambda: graph([relu()], outputs=[]), "the model has no outputs"),
    "no operators": (lambda: graph([]), "the model has no operators"),
    "value made twice": (lambda: graph([relu(), relu()]), "the name 'y' stands for several values"),
    "input twice": (lambda: graph([relu()], inputs=[X, X]), "two inputs are called 'x'"),
    "output twice": (lambda: graph([relu()], outputs=[Y, Y]), "two outputs are called 'y'"),
    "weight twice": (
        lambda: graph([helper.make_node("MatMul", ["x", "w"], ["y"])], weights=[weight(), weight()]),
        "two weights are called 'w'",
    ),
    "value from nowhere": (lambda: graph([relu("z")]), "takes the value 'z', which nothing before it makes"),
    "cycle": (
        lambda: graph([helper.make_node("Add", ["x", "b"], ["a"]), relu("a", "b"), relu("a")]),
        "takes the value 'b', which nothing before it makes",
    ),
    "output from nowhere": (lambda: graph([relu("x", "z")]), "nothing in the graph makes the output 'y'"),
    "short weight": (
        lambda: product(weight(raw=b"0123456789")),
        "the weight 'w' has 10 bytes where its shape needs 64",
    ),
    "absurd weight": (lambda: product(weight(dims=[1 << 40, 1 << 40])), "'w' has an impossible shape, 1099511627776x"),
    "negative weight": (lambda: product(weight(dims=[-4, -4])), "'w' has an impossible shape, -4x-4"),
    "weight of unknown type": (lambda: _weight_type(77), "'w' has the unknown element type 77"),
    "input of unknown type": (lambda: _element_type(77), "the input 'x' holds no numbers"),
    "input of strings": (lambda: _element_type(TensorProto.STRING), "the input 'x' holds no numbers"),
    "input without end": (
        lambda: graph([relu()], inputs=[("x", TensorProto.FLOAT, [1 << 41])]),
        "the input 'x' has the size 2199023255552 at axis 0",
    ),
    "sequence": (_sequence, "the output 'y' is a sequence, not a tensor"),
    "unknown attribute": (
        lambda: graph([helper.make_node("Relu", ["x"], ["y"], foo=3)]),
        "not valid ONNX: Unrecognized attribute: foo for operator Relu",
    ),
    "missing attribute": (
        lambda: graph([helper.make_node("Cast", ["x"], ["y"])]),
        "not valid ONNX: Required attribute 'to' is missing",
    ),
    "future format": (lambda: graph([relu()], ir_version=99), "in version 99 of the ONNX format"),
}

# Wrong only when it is run.
CONTRADICTING: dict[str, tuple[Callable[[], ModelProto], str]] = {
    "types": (
        lambda: graph([helper.make_node("Add", ["x", "i"], ["y"])], inputs=[X, ("i", TensorProto.INT64, [1, 4])]),
        "bound to different types",
    ),
    "shapes": (
        lambda: graph(
            [helper.make_node("MatMul", ["x", "w"], ["y"])],
            inputs=[("x", TensorProto.FLOAT, [1, 5])],
            weights=[weight()],
        ),
        "Incompatible dimensions for matrix multiplication",
    ),
    "future opset": (lambda: graph([relu()], opsets=[("", 99)]), "the model is of opset 99"),
    "absurd input": (
        lambda: graph(
            [relu()], [("x", TensorProto.FLOAT, [1 << 20, 1 << 20])], [("y", TensorProto.FLOAT, [1 << 20, 1 << 20])]
        ),
        "the input 'x' of 1048576x1048576 needs 4096.0 GiB",
    ),
    "absurd inner value": (
        lambda: graph(
            [helper.make_node("ConstantOfShape", ["s"], ["c"]), helper.make_node("Add", ["c", "x"], ["y"])],
            outputs=[("y", TensorProto.FLOAT, ["a", "b"])],
            weights=[numpy_helper.from_array(np.array([1 << 20, 1 << 20], np.int64), "s")],
        ),
        "the value 'c' of 1048576x1048576 needs 4096.0 GiB",
    ),
}
