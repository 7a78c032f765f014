"""Whole architectures with drawn weights: ResNet-50, and DETR on top of it. Opset 17, as an exporter writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

Model = Any

_DEPTHS = (3, 4, 6, 3)
_HEADS = 8


class Net:
    """A graph that grows; every method adds operators and returns the name of their value."""

    def __init__(self, seed: int) -> None:
        self._draw = np.random.default_rng(seed)
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def op(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """One operator with one output."""
        name = f"{kind}_{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [f"{name}_out"], name=name, **attributes))
        return f"{name}_out"

    def constant(self, value: Any) -> str:
        """A weight."""
        name = f"weight_{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.asarray(value), name))
        return name

    def drawn(self, *shape: int, fan_in: int = 0) -> str:
        """A weight drawn so that values neither fade nor explode."""
        scale = np.float32(np.sqrt(2.0 / fan_in) if fan_in else 0.02)
        return self.constant(self._draw.standard_normal(shape, np.float32) * scale)

    def conv(self, x: str, cin: int, cout: int, kernel: int, stride: int = 1, relu: bool = True) -> str:
        """A convolution with its bias, and mostly a ReLU."""
        weight = self.drawn(cout, cin, kernel, kernel, fan_in=cin * kernel * kernel)
        bias = self.drawn(cout)
        sizes = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [kernel // 2] * 4}
        y = self.op("Conv", x, weight, bias, **sizes)
        return self.op("Relu", y) if relu else y

    def linear(self, x: str, cin: int, cout: int) -> str:
        """A product with a matrix, and a bias."""
        return self.op("Add", self.op("MatMul", x, self.drawn(cin, cout, fan_in=2 * cin)), self.drawn(cout))

    def norm(self, x: str, width: int) -> str:
        """LayerNormalization over the last axis."""
        ones, zeros = np.ones(width, np.float32), np.zeros(width, np.float32)
        return self.op("LayerNormalization", x, self.constant(ones), self.constant(zeros), axis=-1)

    def attention(self, queries: str, memory: str, values: str, width: int) -> str:
        """Attention with several heads, as it is exported: reshapes, products and a softmax."""
        split = self.constant(np.array([0, -1, _HEADS, width // _HEADS], np.int64))
        q, k, v = (self.op("Reshape", self.linear(x, width, width), split) for x in (queries, memory, values))
        q, v = (self.op("Transpose", x, perm=[0, 2, 1, 3]) for x in (q, v))
        scores = self.op("MatMul", q, self.op("Transpose", k, perm=[0, 2, 3, 1]))
        scale = self.constant(np.float32((width // _HEADS) ** -0.5))
        mixed = self.op("MatMul", self.op("Softmax", self.op("Mul", scores, scale), axis=-1), v)
        joined = self.op("Transpose", mixed, perm=[0, 2, 1, 3])
        return self.linear(self.op("Reshape", joined, self.constant(np.array([0, -1, width], np.int64))), width, width)

    def feed(self, x: str, width: int, inner: int) -> str:
        """Two linear layers beside the value, and a norm."""
        y = self.linear(self.op("Relu", self.linear(x, width, inner)), inner, width)
        return self.norm(self.op("Add", x, y), width)

    def model(self, inputs: Mapping[str, tuple[int, ...]], outputs: Mapping[str, tuple[str, tuple[int, ...]]]) -> Model:
        """The finished model; outputs are name to value and shape."""
        self._nodes += [helper.make_node("Identity", [value], [name]) for name, (value, _) in outputs.items()]
        taken = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in inputs.items()]
        given = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, (_, shape) in outputs.items()]
        graph = helper.make_graph(self._nodes, "net", taken, given, self._weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def resnet50(size: int = 224, seed: int = 0) -> Model:
    """ResNet-50 with its 25.6 million weights: 1x3xSIZExSIZE to 1000 classes."""
    net = Net(seed)
    features = net.op("Flatten", net.op("GlobalAveragePool", _backbone(net, "images")))
    return net.model({"images": (1, 3, size, size)}, {"logits": (net.linear(features, 2048, 1000), (1, 1000))})


def detr(height: int = 1280, width: int = 1920, queries: int = 100, layers: int = 6, seed: int = 0) -> Model:
    """DETR-R50: ResNet-50, six layers of encoder and decoder over its last map, classes and boxes."""
    net, dim, inner = Net(seed), 256, 2048
    last = net.conv(_backbone(net, "images"), 2048, dim, 1, relu=False)
    flat = net.op("Reshape", last, net.constant(np.array([0, dim, -1], np.int64)))
    memory = net.op("Transpose", flat, perm=[0, 2, 1])
    place = net.drawn(1, (height // 32) * (width // 32), dim)
    for _ in range(layers):
        key = net.op("Add", memory, place)
        memory = net.norm(net.op("Add", memory, net.attention(key, key, memory, dim)), dim)
        memory = net.feed(memory, dim, inner)
    query, found = net.drawn(1, queries, dim), net.constant(np.zeros((1, queries, dim), np.float32))
    key = net.op("Add", memory, place)
    for _ in range(layers):
        asked = net.op("Add", found, query)
        found = net.norm(net.op("Add", found, net.attention(asked, asked, found, dim)), dim)
        asked = net.op("Add", found, query)
        found = net.norm(net.op("Add", found, net.attention(asked, key, memory, dim)), dim)
        found = net.feed(found, dim, inner)
    boxes = net.op("Relu", net.linear(net.op("Relu", net.linear(found, dim, dim)), dim, dim))
    outputs = {
        "classes": (net.linear(found, dim, 92), (1, queries, 92)),
        "boxes": (net.op("Sigmoid", net.linear(boxes, dim, 4)), (1, queries, 4)),
    }
    return net.model({"images": (1, 3, height, width)}, outputs)


def _backbone(net: Net, x: str) -> str:
    """The convolutions of ResNet-50, their norms folded in."""
    x = net.op("MaxPool", net.conv(x, 3, 64, 7, 2), kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
    cin = 64
    for stage, depth in enumerate(_DEPTHS):
        width = 64 << stage
        for block in range(depth):
            stride = 2 if stage and not block else 1
            y = net.conv(net.conv(x, cin, width, 1), width, width, 3, stride)
            y = net.conv(y, width, 4 * width, 1, relu=False)
            past = x if block else net.conv(x, cin, 4 * width, 1, stride, relu=False)
            # Each block doubles the variance; without the norms of the original it would explode.
            half = net.op("Mul", net.op("Add", y, past), net.constant(np.float32(0.7)))
            x, cin = net.op("Relu", half), 4 * width
    return x
