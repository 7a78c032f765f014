from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper

from farm.protocol.keys import StepCall
from tests.support import models, networks
from worker.host.graph.model import Model
from worker.host.graph.pipeline import Pipeline
from worker.host.graph.walk import histogram
from worker.host.load import load
from worker.host.runtime import run


def after(proto: Any, folder: Path, name: str, **parameters: Any) -> Model:
    """The model after a step, which has compared what both compute."""
    path = folder / "model.onnx"
    onnx.save(proto, str(path))
    (folder / "scratch").mkdir()
    model = load(path)
    draw = np.random.default_rng(1)
    inputs = {spec.name: draw.standard_normal(spec.shape).astype(np.float32) for spec in model.inputs}
    pipeline = Pipeline(inputs, run(path, inputs), "", folder / "scratch")
    changed, (report,) = pipeline.run(model, [StepCall(name, parameters)])
    assert report.largest_difference is not None
    return changed


def weight(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def attention_net(**changes: Any) -> Any:
    """Three projections of one value: two of it with places added, all with a bias."""
    weights = {f"w{place}": weight(16, 8, seed=place) for place in range(3)}
    weights.update({f"b{place}": weight(8, seed=9 + place) for place in range(3)})
    weights["places"] = weight(1, 5, 16, seed=7)
    weights.update(changes)
    nodes = [helper.make_node("Add", ["x", "places"], ["placed"])]
    for place, value in enumerate(("placed", "placed", "x")):
        nodes.append(helper.make_node("MatMul", [value, f"w{place}"], [f"product{place}"]))
        nodes.append(helper.make_node("Add", [f"b{place}", f"product{place}"], [f"y{place}"]))
    outputs = {f"y{place}": ("float32", [1, 5, 8]) for place in range(3)}
    return models.model(nodes, {"x": ("float32", [1, 5, 16])}, outputs, weights)


def test_products_of_one_value_become_one(tmp_path: Path) -> None:
    model = after(attention_net(), tmp_path, "projections")
    assert histogram(model.proto) == {"MatMul": 1, "Add": 1, "Split": 1}
    assert {item.name for item in model.proto.graph.initializer} == {
        "projections_0/weight",
        "projections_0/bias",
        "projections_0/widths",
    }


def test_places_stay_before_the_product_where_they_would_become_too_large_behind_it(tmp_path: Path) -> None:
    model = after(attention_net(), tmp_path, "projections", largest_bytes=100)
    assert histogram(model.proto) == {"MatMul": 2, "Add": 3, "Split": 1}


def test_fewer_products_than_are_worth_it_stay_apart(tmp_path: Path) -> None:
    model = after(attention_net(), tmp_path, "projections", fewest=4)
    assert histogram(model.proto)["MatMul"] == 3


def test_what_is_not_constant_is_not_joined(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", name], [f"{name}_out"]) for name in ("w", "v")]
    inputs = {"x": ("float32", [1, 4, 6]), "v": ("float32", [6, 3])}
    outputs = {"w_out": ("float32", [1, 4, 3]), "v_out": ("float32", [1, 4, 3])}
    model = after(models.model(nodes, inputs, outputs, {"w": weight(6, 3)}), tmp_path, "projections")
    assert histogram(model.proto) == {"MatMul": 2}


def test_a_product_that_two_read_keeps_its_own_value(tmp_path: Path) -> None:
    proto = attention_net()
    proto.graph.output.append(helper.make_tensor_value_info("product0", onnx.TensorProto.FLOAT, [1, 5, 8]))
    model = after(proto, tmp_path, "projections")
    assert histogram(model.proto)["MatMul"] == 1
    assert [spec.name for spec in model.outputs][-1] == "product0"


@pytest.mark.parametrize("opset", [13, 17, 18])
def test_it_holds_for_every_opset_that_has_split_by_input(tmp_path: Path, opset: int) -> None:
    proto = attention_net()
    proto.opset_import[0].version = opset
    assert histogram(after(proto, tmp_path, "projections").proto)["Split"] == 1


def test_before_split_takes_its_sizes_as_an_input_nothing_changes(tmp_path: Path) -> None:
    proto = attention_net()
    proto.opset_import[0].version = 12
    assert histogram(after(proto, tmp_path, "projections").proto)["MatMul"] == 3


def test_the_keys_and_values_of_a_whole_decoder_become_one_product(tmp_path: Path) -> None:
    model = after(networks.detr(64, 64, queries=4, layers=2), tmp_path, "projections")
    before, products = (histogram(item)["MatMul"] for item in (networks.detr(64, 64, queries=4, layers=2), model.proto))
    # In each of two layers of the encoder two of three, of the memory three of four, in the second layer of the decoder
    # two of three, in the first, whose values are constant, one of two, and of classes and boxes one.
    assert before - products == 2 * 2 + 3 + 2 + 1 + 1


def test_a_factor_goes_into_the_weights_before_it(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Add", ["product", "b"], ["sum"]),
        helper.make_node("Transpose", ["sum"], ["moved"], perm=[0, 2, 1]),
        helper.make_node("Mul", ["moved", "scale"], ["y"]),
        helper.make_node("Relu", ["y"], ["z"]),
    ]
    weights = {"w": weight(16, 8), "b": weight(8), "scale": np.array(0.125, np.float32)}
    proto = models.model(nodes, {"x": ("float32", [1, 5, 16])}, {"z": ("float32", [1, 8, 5])}, weights)
    assert histogram(after(proto, tmp_path, "factors").proto) == {"MatMul": 1, "Add": 1, "Transpose": 1, "Relu": 1}


def test_a_factor_of_what_others_read_too_stays(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Mul", ["product", "scale"], ["scaled"]),
        helper.make_node("Add", ["product", "scaled"], ["y"]),
    ]
    weights = {"w": weight(16, 8), "scale": np.array(0.125, np.float32)}
    proto = models.model(nodes, {"x": ("float32", [1, 5, 16])}, {"y": ("float32", [1, 5, 8])}, weights)
    assert histogram(after(proto, tmp_path, "factors").proto)["Mul"] == 1


def test_a_factor_that_gives_an_output_leaves_its_name(tmp_path: Path) -> None:
    nodes = [helper.make_node("MatMul", ["x", "w"], ["product"]), helper.make_node("Mul", ["product", "scale"], ["y"])]
    weights = {"w": weight(16, 8), "scale": np.array([0.125], np.float32)}
    proto = models.model(nodes, {"x": ("float32", [1, 5, 16])}, {"y": ("float32", [1, 5, 8])}, weights)
    model = after(proto, tmp_path, "factors")
    assert histogram(model.proto) == {"MatMul": 1, "Identity": 1}
    assert [spec.name for spec in model.outputs] == ["y"]
