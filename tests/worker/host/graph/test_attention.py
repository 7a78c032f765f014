from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from farm.protocol.keys import StepCall
from tests.support import models, networks
from worker.host.graph import attention
from worker.host.graph.pipeline import Pipeline
from worker.host.graph.walk import histogram
from worker.host.load import load
from worker.host.runtime import run

from .stepping import UNMEASURED
from .test_projections import after

N, ROWS, KEYS, HEADS, CHANNELS = 2, 6, 9, 3, 4
WIDTH = HEADS * CHANNELS
Nodes = list[Any]


class Net:
    """Operators around a softmax, and the constants that they take."""

    def __init__(self) -> None:
        self.nodes: Nodes = []
        self.weights: dict[str, Any] = {}

    def op(self, kind: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> str:
        """One operator; arrays among its inputs become constants. The name of its first output."""
        names = [value if isinstance(value, str) else self._weight(value) for value in inputs]
        made = [f"v{len(self.nodes)}_{place}" for place in range(outputs)]
        self.nodes.append(helper.make_node(kind, names, made, **attributes))
        return made[0]

    def _weight(self, value: Any) -> str:
        name = f"c{len(self.weights)}"
        self.weights[name] = np.asarray(value)
        return name

    def mixed(self, query: str, key: str, value: str, scale: float = 0.3) -> str:
        """The middle."""
        scores = self.op("Mul", self.op("MatMul", query, key), np.float32(scale))
        return self.op("MatMul", self.op("Softmax", scores, axis=-1), value)

    def model(self, inputs: dict[str, list[int]], output: str, shape: list[int]) -> Any:
        """All of it, with an operator behind that is none of attention."""
        self.nodes.append(helper.make_node("Relu", [output], ["y"]))
        given = {name: ("float32", sizes) for name, sizes in inputs.items()}
        return models.model(self.nodes, given, {"y": ("float32", shape)}, self.weights)


def heads_apart(net: Net, name: str, rows: int, perm: tuple[int, ...]) -> str:
    return net.op("Transpose", net.op("Reshape", name, [N, rows, HEADS, CHANNELS]), perm=perm)


def as_transformers(net: Net) -> Any:
    query, value = heads_apart(net, "q", ROWS, (0, 2, 1, 3)), heads_apart(net, "v", KEYS, (0, 2, 1, 3))
    mixed = net.mixed(query, heads_apart(net, "k", KEYS, (0, 2, 3, 1)), value)
    joined = net.op("Reshape", net.op("Transpose", mixed, perm=(0, 2, 1, 3)), [N, ROWS, WIDTH])
    inputs = {"q": [N, ROWS, WIDTH], "k": [N, KEYS, WIDTH], "v": [N, KEYS, WIDTH]}
    return net.model(inputs, joined, inputs["q"])


def turned_twice_and_scaled_twice(net: Net) -> Any:
    """As PyTorch's own exporter writes scaled_dot_product_attention: half of the scale on each side."""
    query, value = heads_apart(net, "q", ROWS, (0, 2, 1, 3)), heads_apart(net, "v", KEYS, (0, 2, 1, 3))
    key = net.op("Transpose", heads_apart(net, "k", KEYS, (0, 2, 1, 3)), perm=(0, 1, 3, 2))
    root = np.float32(0.7)
    mixed = net.mixed(net.op("Mul", query, root), net.op("Div", key, 1 / root), value, 1.0)
    joined = net.op("Reshape", net.op("Transpose", mixed, perm=(0, 2, 1, 3)), [N, ROWS, WIDTH])
    inputs = {"q": [N, ROWS, WIDTH], "k": [N, KEYS, WIDTH], "v": [N, KEYS, WIDTH]}
    return net.model(inputs, joined, inputs["q"])


def rows_first(net: Net) -> Any:
    """As PyTorch's MultiheadAttention: batch and heads are one axis."""

    def apart(name: str, rows: int) -> str:
        return net.op("Transpose", net.op("Reshape", name, [rows, N * HEADS, CHANNELS]), perm=(1, 0, 2))

    key = net.op("Transpose", apart("k", KEYS), perm=(0, 2, 1))
    mixed = net.op("Transpose", net.mixed(apart("q", ROWS), key, apart("v", KEYS)), perm=(1, 0, 2))
    inputs = {"q": [ROWS, N, WIDTH], "k": [KEYS, N, WIDTH], "v": [KEYS, N, WIDTH]}
    return net.model(inputs, net.op("Reshape", mixed, [ROWS * N, WIDTH]), [ROWS * N, WIDTH])


def of_one_projection(net: Net) -> Any:
    """As vision transformers have it: one tensor, cut along an axis in the middle."""
    split = net.op("Transpose", net.op("Reshape", "x", [N, ROWS, 3, HEADS, CHANNELS]), perm=(2, 0, 3, 1, 4))
    query, key, value = (net.op("Gather", split, np.int64(place), axis=0) for place in range(3))
    mixed = net.mixed(query, net.op("Transpose", key, perm=(0, 1, 3, 2)), value)
    joined = net.op("Reshape", net.op("Transpose", mixed, perm=(0, 2, 1, 3)), [N, ROWS, WIDTH])
    return net.model({"x": [N, ROWS, 3 * WIDTH]}, joined, [N, ROWS, WIDTH])


def of_a_split(net: Net) -> Any:
    """As the step `projections` leaves it."""
    net.op("Split", "x", np.array([WIDTH] * 3), outputs=3, axis=-1)
    parts = [f"v0_{place}" for place in range(3)]
    query, key, value = (
        heads_apart(net, name, ROWS, perm) for name, perm in zip(parts, ((0, 2, 1, 3), (0, 2, 3, 1), (0, 2, 1, 3)))
    )
    joined = net.op("Transpose", net.mixed(query, key, value), perm=(0, 2, 1, 3))
    return net.model({"x": [N, ROWS, 3 * WIDTH]}, joined, [N, ROWS, HEADS, CHANNELS])


WAYS: dict[str, tuple[Callable[[Net], Any], dict[str, Any], int]] = {
    "transformers": (as_transformers, {"scale": 0.3}, 0),
    "scaled twice": (turned_twice_and_scaled_twice, {"scale": 0.49}, 0),
    "rows first": (rows_first, {"scale": 0.3, "sequence_first": 1}, 1),
    "one projection": (of_one_projection, {"scale": 0.3, "offsets": [0, WIDTH, 2 * WIDTH]}, 0),
    "a split": (of_a_split, {"scale": 0.3, "offsets": [0, WIDTH, 2 * WIDTH]}, 1),
}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_it_becomes_the_plugin_and_computes_the_same(tmp_path: Path, way: Any) -> None:
    make, wanted, reshapes = way[0], dict(way[1]), way[2]
    model = after(make(Net()), tmp_path, "attention")
    kinds = histogram(model.proto)
    assert kinds.pop("Reshape", 0) == reshapes
    assert kinds == {"farm.plugin::FarmAttention": 1, "Relu": 1}
    (operator,) = [item for item in model.proto.graph.node if item.op_type == "FarmAttention"]
    found = {item.name: helper.get_attribute_value(item) for item in operator.attribute}
    assert found.pop("scale") == pytest.approx(wanted.pop("scale"))
    assert found == {"num_heads": HEADS, "head_size": CHANNELS, **wanted}


def masked(net: Net) -> Any:
    query, value = heads_apart(net, "q", ROWS, (0, 2, 1, 3)), heads_apart(net, "v", KEYS, (0, 2, 1, 3))
    scores = net.op("MatMul", query, heads_apart(net, "k", KEYS, (0, 2, 3, 1)))
    shares = net.op("Softmax", net.op("Add", scores, np.eye(ROWS, KEYS, dtype=np.float32)), axis=-1)
    mixed = net.op("Transpose", net.op("MatMul", shares, value), perm=(0, 2, 1, 3))
    inputs = {"q": [N, ROWS, WIDTH], "k": [N, KEYS, WIDTH], "v": [N, KEYS, WIDTH]}
    return net.model(inputs, mixed, [N, ROWS, HEADS, CHANNELS])


def over_the_queries(net: Net) -> Any:
    query, value = heads_apart(net, "q", ROWS, (0, 2, 1, 3)), heads_apart(net, "v", KEYS, (0, 2, 1, 3))
    shares = net.op("Softmax", net.op("MatMul", query, heads_apart(net, "k", KEYS, (0, 2, 3, 1))), axis=2)
    mixed = net.op("Transpose", net.op("MatMul", shares, value), perm=(0, 2, 1, 3))
    inputs = {"q": [N, ROWS, WIDTH], "k": [N, KEYS, WIDTH], "v": [N, KEYS, WIDTH]}
    return net.model(inputs, mixed, [N, ROWS, HEADS, CHANNELS])


def turned_against_itself(net: Net) -> Any:
    """The numbers fit, and the queries are not those that lie in the rows."""
    query = net.op("Reshape", "q", [N, HEADS, ROWS, CHANNELS])
    value, key = heads_apart(net, "v", KEYS, (0, 2, 1, 3)), heads_apart(net, "k", KEYS, (0, 2, 3, 1))
    mixed = net.op("Transpose", net.mixed(query, key, value), perm=(0, 2, 1, 3))
    inputs = {"q": [N, ROWS, WIDTH], "k": [N, KEYS, WIDTH], "v": [N, KEYS, WIDTH]}
    return net.model(inputs, mixed, [N, ROWS, HEADS, CHANNELS])


def scaled_by_less_than_nothing(net: Net) -> Any:
    query, value = heads_apart(net, "q", ROWS, (0, 2, 1, 3)), heads_apart(net, "v", KEYS, (0, 2, 1, 3))
    mixed = net.mixed(query, heads_apart(net, "k", KEYS, (0, 2, 3, 1)), value, -1.0)
    inputs = {"q": [N, ROWS, WIDTH], "k": [N, KEYS, WIDTH], "v": [N, KEYS, WIDTH]}
    return net.model(inputs, net.op("Transpose", mixed, perm=(0, 2, 1, 3)), [N, ROWS, HEADS, CHANNELS])


def shares_are_an_output(net: Net) -> Any:
    proto = as_transformers(net)
    (softmax,) = [item for item in proto.graph.node if item.op_type == "Softmax"]
    shares = helper.make_tensor_value_info(softmax.output[0], onnx.TensorProto.FLOAT, [N, HEADS, ROWS, KEYS])
    proto.graph.output.append(shares)
    return proto


@pytest.mark.parametrize(
    "make", [masked, over_the_queries, turned_against_itself, scaled_by_less_than_nothing, shares_are_an_output]
)
def test_what_the_plugin_does_not_compute_stays(tmp_path: Path, make: Callable[[Net], Any]) -> None:
    model = after(make(Net()), tmp_path, "attention")
    assert histogram(model.proto) == histogram(make(Net()))


def test_sizes_that_nobody_knows_stay(tmp_path: Path) -> None:
    proto = as_transformers(Net())
    proto.graph.input[0].type.tensor_type.shape.dim[1].dim_param = "rows"
    assert "farm.plugin::FarmAttention" not in histogram(attention.apply(proto, {}, UNMEASURED))


def test_all_of_a_transformer_become_plugins_and_the_next_steps_take_them(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    onnx.save(networks.detr(64, 64, queries=4, layers=2), str(path))
    (tmp_path / "scratch").mkdir()
    given = {"images": np.random.default_rng(0).standard_normal((1, 3, 64, 64)).astype(np.float32)}
    pipeline = Pipeline(given, run(path, given), "", tmp_path / "scratch")
    names = ("fold", "factors", "attention", "convolutions", "infer_shapes")
    model, _ = pipeline.run(load(path), [StepCall(name) for name in names])
    kinds = histogram(model.proto)
    # Two layers of the encoder, two of the decoder with two each but the first, which is constant.
    assert kinds["farm.plugin::FarmAttention"] == 2 + 1 + 2
    assert "Softmax" not in kinds
    assert "MatMul" not in kinds
