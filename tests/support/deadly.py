"""Models of a few hundred bytes that kill the process which loads or runs them, without any fault of ours.

The checker of ONNX takes all of them. Each docstring says which ONNX Runtime dies of it: when a later one no longer
does, the tests that use it fail, and need another model.
"""

from __future__ import annotations

from typing import Any

from .models import Model, model

VECTOR = ("float32", [4])


def glutton(gibibytes: float) -> Model:
    """Every ONNX Runtime fills so much memory with ones, and as much again to scale them by the input.

    The shape stands in a weight: an optimiser computes the ones ahead, as long as they take at most 1 GiB (1.19.2
    whatever they take). What comes after them is not constant, so that a preparation leaves them alone.
    """
    import numpy as np
    from onnx import helper, numpy_helper

    one = numpy_helper.from_array(np.ones(1, np.float32))
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["ones"], value=one),
        helper.make_node("ReduceMean", ["x"], ["factor"], keepdims=0),
        helper.make_node("Mul", ["ones", "factor"], ["scaled"]),
        helper.make_node("ReduceMean", ["scaled"], ["mean"], keepdims=0),
        helper.make_node("Add", ["x", "mean"], ["y"]),
    ]
    shape = np.array([int(gibibytes * 256), 1 << 20], np.int64)
    return model(nodes, {"x": VECTOR}, {"y": VECTOR}, {"shape": shape})


def absent_argument() -> Model:
    """ONNX Runtime up to 1.31.1 follows a null pointer while it loads it, whatever its options.

    A function is called without its second argument, whose name a weight in a branch inside of it has too
    (https://github.com/onnx/onnx/pull/8305).
    """
    import numpy as np
    from onnx import TensorProto, checker, helper, numpy_helper

    ones = numpy_helper.from_array(np.ones(4, np.float32), "absent")

    def branch(operator: str) -> Any:
        node = helper.make_node(operator, ["a", "absent"], [operator])
        return helper.make_graph([node], operator, [], [_vector(operator)], [ones])

    nodes = [
        helper.make_node("ReduceMean", ["a"], ["mean"], keepdims=0),
        helper.make_node("Cast", ["mean"], ["decided"], to=TensorProto.BOOL),
        helper.make_node("If", ["decided"], ["r"], then_branch=branch("Add"), else_branch=branch("Mul")),
    ]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    function = helper.make_function("local", "Either", ["a", "absent"], ["r"], nodes, opsets[:1])
    call = helper.make_node("Either", ["x"], ["y"], domain="local")
    graph = helper.make_graph([call], "net", [_vector("x")], [_vector("y")])
    made = helper.make_model(graph, opset_imports=opsets, functions=[function], ir_version=8)
    checker.check_model(made)
    return made


def quantized_gains() -> Model:
    """The optimiser of ONNX Runtime 1.19.2 crashes while it moves a Transpose past gains quantized per channel.

    Later ones, and any with optimisations off, run it well (https://github.com/microsoft/onnxruntime/issues/23258).
    """
    import numpy as np
    from onnx import helper

    nodes = [
        helper.make_node("Transpose", ["x"], ["last"], perm=[0, 2, 3, 1]),
        helper.make_node("Squeeze", ["gains", "axes"], ["flat"]),
        helper.make_node("DequantizeLinear", ["flat", "scales", "zeros"], ["factors"], axis=0),
        helper.make_node("Mul", ["last", "factors"], ["scaled"]),
        helper.make_node("Transpose", ["scaled"], ["y"], perm=[0, 3, 1, 2]),
    ]
    image = ("float32", [1, 3, 4, 4])
    weights = {
        "scales": np.array([0.1, 0.2, 0.3], np.float32),
        "zeros": np.zeros(3, np.int8),
        "axes": np.array([0, 1, 2], np.int64),
    }
    return model(nodes, {"x": image, "gains": ("int8", [1, 1, 1, 3])}, {"y": image}, weights)


def convolution_before_branches() -> Model:
    """The optimiser of ONNX Runtime 1.19.2 aborts where nothing but the branches of an If take a convolution.

    An assertion of the C++ library stops it from reading past a list; later ones, and any with optimisations off, run
    it well (https://github.com/microsoft/onnxruntime/issues/24473).
    """
    import numpy as np
    from onnx import TensorProto, helper

    image = ("float32", [1, 4, 8, 8])

    def branch(operator: str) -> Any:
        told = helper.make_tensor_value_info(operator, TensorProto.FLOAT, image[1])
        return helper.make_graph([helper.make_node(operator, ["seen"], [operator])], operator, [], [told])

    nodes = [
        helper.make_node("Conv", ["x", "kernel"], ["seen"], pads=[1, 1, 1, 1]),
        helper.make_node("ReduceMean", ["x"], ["mean"], keepdims=0),
        helper.make_node("Greater", ["mean", "zero"], ["bright"]),
        helper.make_node("If", ["bright"], ["y"], then_branch=branch("Relu"), else_branch=branch("Sigmoid")),
    ]
    kernel = np.random.default_rng(5).standard_normal((4, 4, 3, 3)).astype(np.float32)
    return model(nodes, {"x": image}, {"y": image}, {"kernel": kernel, "zero": np.array(0, np.float32)})


def _vector(name: str) -> Any:
    from onnx import TensorProto, helper

    return helper.make_tensor_value_info(name, TensorProto.FLOAT, VECTOR[1])
