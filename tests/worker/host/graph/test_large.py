"""A model of more than two gigabytes goes through every step, and its weights stay in the file where they were."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, numpy_helper

from farm.protocol.keys import StepCall
from farm.protocol.steps import INTERFACE_STEPS
from worker.host.graph.model import Model
from worker.host.graph.pipeline import Pipeline, StepReport
from worker.host.graph.steps import STEPS, step
from worker.host.graph.walk import histogram
from worker.host.load import load
from worker.host.runtime import run

pytestmark = pytest.mark.slow

ROWS, WIDTH, KNOWN, NARROW = 131_072, 4_096, 4, 512
HALF = ("float16", "bfloat16", "mixed")
IDS = {"ids": np.array([[3, 0, 2]]), "low": np.array(-1.5, np.float32)}


def in_the_file(name: str, shape: list[int], offset: int) -> TensorProto:
    made = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=shape)
    made.data_location = TensorProto.EXTERNAL
    for key, value in (("location", "weights.bin"), ("offset", str(offset))):
        made.external_data.add(key=key, value=value)
    return made


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of words, sparse but for its first rows, a matrix, and what each step has something to do with."""
    place = tmp_path_factory.mktemp("large")
    table, matrix = in_the_file("table", [ROWS, WIDTH], 0), in_the_file("matrix", [WIDTH, NARROW], ROWS * WIDTH * 4)
    draw = np.random.default_rng(5)
    with (place / "weights.bin").open("wb") as stream:
        stream.write(draw.standard_normal((KNOWN, WIDTH)).astype(np.float32).tobytes())
        stream.seek(ROWS * WIDTH * 4)
        stream.write((draw.standard_normal((WIDTH, NARROW), np.float32) / 64).tobytes())
    weights: dict[str, Any] = {
        "scale": np.linspace(0.5, 2, WIDTH, dtype=np.float32),
        "place": np.array(-1),
        "mask": np.arange(WIDTH) % 5 == 0,
        "fill": np.float32(-3),
        "head": draw.standard_normal((NARROW, 8)).astype(np.float32) / 16,
        "end": np.array([2**62]),
        "start": np.array([0]),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["words"]),
        helper.make_node("LayerNormalization", ["words", "scale"], ["normal"], axis=-1),
        helper.make_node("Gather", ["normal", "place"], ["last"], axis=1),
        helper.make_node("Clip", ["last", "low"], ["cut"]),
        helper.make_node("Where", ["mask", "fill", "cut"], ["masked"]),
        helper.make_node("MatMul", ["masked", "matrix"], ["narrow"]),
        helper.make_node("MatMul", ["narrow", "head"], ["scores"]),
        helper.make_node("Slice", ["scores", "start", "end"], ["y"]),
    ]
    made = helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [
                helper.make_tensor_value_info("ids", TensorProto.INT64, [1, 3]),
                helper.make_tensor_value_info("low", TensorProto.FLOAT, []),
            ],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 8])],
            [table, matrix, *(numpy_helper.from_array(np.asarray(array), name) for name, array in weights.items())],
        ),
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=8,
    )
    (place / "model.onnx").write_bytes(made.SerializeToString())
    return place


def stepped(folder: Path, scratch: Path, *names: str, runs: bool = True) -> tuple[Model, tuple[StepReport, ...]]:
    model = load(folder / "model.onnx")
    assert model.large
    assert (folder / "weights.bin").stat().st_size > 2**31 - 1
    scratch.mkdir()
    outputs = run(folder / "model.onnx", IDS) if runs else None
    pipeline = Pipeline(IDS, outputs, "" if runs else "a table in two types takes three gigabytes", scratch)
    return pipeline.run(model, [StepCall(name) for name in names])


def test_all_steps_that_keep_the_digits_one_after_the_other(folder: Path, tmp_path: Path) -> None:
    names = [name for name in STEPS if name not in INTERFACE_STEPS and step(name).TOLERANCE is not None]
    made, reports = stepped(folder, tmp_path / "scratch", *names)

    assert [report.name for report in reports] == names
    assert all(report.largest_difference is not None for report in reports)
    left = histogram(made.proto)
    assert not {"LayerNormalization", "Clip", "Where"}.intersection(left)
    (tmp_path / "out").mkdir()
    assert made.write(tmp_path / "out") == ("model.onnx", "weights.bin")
    assert (tmp_path / "out" / "model.onnx").stat().st_size < 1_000_000
    expected, found = (run(place / "model.onnx", IDS)["y"] for place in (folder, tmp_path / "out"))
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_weights_in_the_file_are_quantized_too(folder: Path, tmp_path: Path) -> None:
    made, (report,) = stepped(folder, tmp_path / "scratch", "quantize")
    pairs = {node.input[0]: node.input[1] for node in made.proto.graph.node if node.op_type == "QuantizeLinear"}
    # The table is looked up, and nothing computes with it.
    assert pairs.keys() == {"masked", "matrix", "narrow", "head"}
    (scale,) = (item for item in made.proto.graph.initializer if item.name == pairs["matrix"])
    start = ROWS * WIDTH * 4
    matrix = np.fromfile(folder / "weights.bin", np.float32, offset=start).reshape(WIDTH, NARROW)
    np.testing.assert_allclose(numpy_helper.to_array(scale), np.abs(matrix).max(0) / 127)
    assert report.largest_difference
    assert made.write(tmp_path) == ("model.onnx", "weights.bin")


@pytest.mark.parametrize("name", HALF)
def test_each_step_that_gives_up_digits(name: str, folder: Path, tmp_path: Path) -> None:
    made, (_, report) = stepped(folder, tmp_path / "scratch", "infer_shapes", name, runs=False)
    assert report.operators_after > report.operators_before
    assert made.write(tmp_path) == ("model.onnx", "weights.bin")
