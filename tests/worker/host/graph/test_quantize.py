"""Q/DQ with measured ranges: run by ONNX Runtime, to see that it is right."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from farm.protocol.errors import BuildFailed
from farm.protocol.steps import parse_step
from tests.support import models
from worker.host.graph import ranges, weights
from worker.host.graph.model import Model
from worker.host.graph.pipeline import Pipeline
from worker.host.graph.walk import histogram
from worker.host.load import load
from worker.host.runtime import run

from .stepping import Net


def images(seed: int, size: float = 1.0) -> dict[str, Any]:
    return {"images": (np.random.default_rng(seed).standard_normal((1, 3, 16, 16)) * size).astype(np.float32)}


def quantized(path: Path, text: str = "quantize", samples: tuple[dict[str, Any], ...] = ()) -> Model:
    scratch = path.parent / "scratch"
    scratch.mkdir()
    inputs = images(0)
    pipeline = Pipeline(inputs, run(path, inputs), "", scratch, lambda: samples)
    made, _ = pipeline.run(load(path), [parse_step("fold"), parse_step(text)])
    return made


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "source.onnx"
    path.write_bytes(models.conv_net().SerializeToString())
    return path


def scales(model: Model) -> dict[str, Any]:
    inside = [item for item in model.proto.graph.initializer if not weights.is_external(item)]
    arrays = {item.name: numpy_helper.to_array(item) for item in inside}
    pairs = [node for node in model.proto.graph.node if node.op_type == "QuantizeLinear"]
    return {node.input[0]: arrays[node.input[1]] for node in pairs}


def test_the_graph_computes_nearly_what_it_did(path: Path, tmp_path: Path) -> None:
    made = quantized(path)
    found = histogram(made.proto)
    assert found["QuantizeLinear"] == found["DequantizeLinear"] >= 2 * found["Conv"]
    (tmp_path / "out").mkdir()
    after = run(tmp_path / "out" / made.write(tmp_path / "out")[0], images(0))
    for name, reference in run(path, images(0)).items():
        off = np.abs(after[name] - reference).max() / np.sqrt(np.square(reference).mean())
        assert 0 < off < 0.1
    kernels = [scale for name, scale in scales(made).items() if name.startswith("kernel")]
    assert all(scale.shape == (32,) for scale in kernels)


def test_samples_widen_the_ranges(path: Path) -> None:
    alone = scales(quantized(path))["images"]
    path.parent.joinpath("scratch").rmdir()
    wider = scales(quantized(path, samples=(images(1, 5.0), images(2))))["images"]
    assert wider == pytest.approx(np.abs(images(1, 5.0)["images"]).max() / 127)
    assert wider > 3 * alone


def test_weights_that_stay_in_their_file_are_measured_there(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Parts of some rows, as of a weight that does not fit into memory.
    monkeypatch.setattr(ranges, "_PART_BYTES", 1_000)
    wanted = scales(quantized(path))
    monkeypatch.setattr(weights, "LARGE_BYTES", 10_000)
    monkeypatch.setattr(weights, "BIG_BYTES", 1_000)
    (tmp_path / "files").mkdir()
    beside = tmp_path / "files" / "source.onnx"
    onnx.save(onnx.load(str(path)), str(beside), save_as_external_data=True, location="w", size_threshold=0)
    made = quantized(beside)
    found = scales(made)
    assert found.keys() == wanted.keys()
    for name, scale in wanted.items():
        np.testing.assert_array_equal(found[name], scale)
    assert {item.name for item in made.proto.graph.initializer if weights.is_external(item)} >= {"kernel1", "matrix"}


def test_what_is_named_stays_in_float(path: Path) -> None:
    source = onnx.load(str(path))
    for number, node in enumerate(source.graph.node):
        node.name = f"/block{number}/{node.op_type}"
    onnx.save(source, str(path))
    made = quantized(path, "quantize:operators=Conv:keep=block0/")
    first, second = [node.input[0] for node in made.proto.graph.node if node.op_type == "Conv"][:2]
    assert first == "images"
    assert second.endswith("rounded")
    assert "Gemm" not in {read.op_type for read in made.proto.graph.node if read.input[0].endswith("rounded")}


def test_products_of_two_values_and_shared_ones(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["q"]),
        helper.make_node("MatMul", ["x", "v"], ["k"]),
        helper.make_node("MatMul", ["q", "k"], ["y"]),
    ]
    draw = np.random.default_rng(3).random((2, 4, 4), np.float32)
    net = Net(nodes, {"x": draw[0]}, {"w": draw[0], "v": draw[1]}, {"y": "float32"})
    path = tmp_path / "net.onnx"
    path.write_bytes(net.model().SerializeToString())
    pipeline = Pipeline(net.inputs, run(path, net.inputs), "", tmp_path)
    made, (report,) = pipeline.run(load(path), [parse_step("quantize")])
    # x once, though two read it; w, v, q and k.
    assert histogram(made.proto)["QuantizeLinear"] == 5
    assert 0 < (report.largest_difference or 0) < 0.1


def test_without_ranges_there_is_none(path: Path, tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    pipeline = Pipeline({}, None, "no operator", tmp_path / "scratch")
    with pytest.raises(BuildFailed, match="there are no ranges"):
        pipeline.run(load(path), [parse_step("quantize")])


def test_a_graph_without_anything_to_quantize_is_told(path: Path) -> None:
    with pytest.raises(BuildFailed, match="no such operator of the graph reads float32"):
        quantized(path, "quantize:operators=Sqrt")
