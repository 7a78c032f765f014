from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from farm.protocol.errors import BuildFailed, Unsupported
from farm.protocol.keys import StepCall
from tests.support import models
from worker.host.graph import steps, weights
from worker.host.graph.model import Model
from worker.host.graph.pipeline import Pipeline, StepReport
from worker.host.graph.ranges import Measure
from worker.host.graph.walk import histogram
from worker.host.load import load
from worker.host.runtime import run

ALL = ("infer_shapes", "fold", "simplify")
LIGHT = ("light_resnet50.onnx", "light_shufflenet.onnx")

# File of the wheel → shapes of its inputs, and how many operators all steps leave of how many.
SILERO = {
    "silero_vad_16k_op15.onnx": ({"input": (1, 576), "state": (2, 1, 128), "sr": ()}, 350, 100),
    "silero_vad_half.onnx": ({"input": (1, 576), "state": (2, 1, 128)}, 325, 100),
    "silero_vad_16k_sequence.onnx": ({"input": (8, 576), "h": (1, 1, 128), "c": (1, 1, 128)}, 63, 30),
    "silero_vad_openvino_16k.onnx": ({"input": (1, 576), "state": (2, 1, 128)}, 167, 60),
}


def drawn(model: Model, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Any]:
    draw = np.random.default_rng(0)
    found = {}
    for spec in model.inputs:
        whole = spec.dtype == "int64"
        shape = shapes.get(spec.name, spec.shape)
        found[spec.name] = np.full(shape, 16000) if whole else draw.random(shape, np.float32)
    return found


def go(model: Model, inputs: Mapping[str, Any], path: Path, scratch: Path, *names: str) -> tuple[Model, Any]:
    scratch.mkdir()
    return Pipeline(inputs, run(path, inputs), "", scratch).run(model, [StepCall(name) for name in names])


@pytest.mark.parametrize("file", SILERO)
def test_pre_trained_networks_compute_the_same_with_fewer_operators(file: str, silero: Path, tmp_path: Path) -> None:
    shapes, before, most_after = SILERO[file]
    model = load(silero / file)
    inputs = drawn(model, shapes)
    prepared, reports = go(model, inputs, silero / file, tmp_path / "scratch", *ALL)

    assert [report.name for report in reports] == list(ALL)
    assert reports[0].operators_before == before
    assert reports[-1].operators_after < most_after
    assert all(report.largest_difference is not None for report in reports)
    assert prepared.inputs == model.inputs
    (tmp_path / "out").mkdir()
    prepared.write(tmp_path / "out")
    expected = models.plain_outputs(silero / file, inputs)
    found = models.plain_outputs(tmp_path / "out" / "model.onnx", inputs)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, rtol=1e-4, atol=2e-6)


@pytest.mark.parametrize("file", LIGHT)
def test_known_architectures_get_their_normalisations_fused(file: str, tmp_path: Path) -> None:
    import onnx.backend.test

    path = Path(onnx.backend.test.__file__).parent / "data" / "light" / file
    model = load(path)
    prepared, reports = go(model, drawn(model, {}), path, tmp_path / "scratch", "fold", "simplify")
    assert "BatchNormalization" not in histogram(prepared.proto)
    assert reports[-1].operators_after < reports[0].operators_before / 2


def test_large_constants_stay_small_recipes(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    made = models.model(
        [helper.make_node("Expand", ["one", "shape"], ["grid"]), helper.make_node("Mul", ["x", "grid"], ["y"])],
        {"x": ("float32", [1, 1])},
        {"y": ("float32", [3000, 2000])},
        {"one": np.ones((1, 1), np.float32), "shape": np.array([3000, 2000])},
    )
    path.write_bytes(made.SerializeToString())
    inputs = {"x": np.ones((1, 1), np.float32)}
    prepared, _ = go(load(path), inputs, path, tmp_path / "scratch", "fold", "simplify")
    assert prepared.proto.ByteSize() < 10_000
    calls = [StepCall("fold", {"largest_bytes": 64 << 20})]
    (tmp_path / "again").mkdir()
    folded, _ = Pipeline(inputs, run(path, inputs), "", tmp_path / "again").run(load(path), calls)
    assert folded.proto.ByteSize() > 20_000_000


def test_a_normalisation_stays_as_the_oldest_parser_reads_it(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    made = models.model(
        [
            helper.make_node("ReduceMean", ["x"], ["mean"], axes=[-1]),
            helper.make_node("Sub", ["x", "mean"], ["centred"]),
            helper.make_node("Pow", ["centred", "two"], ["squared"]),
            helper.make_node("ReduceMean", ["squared"], ["variance"], axes=[-1]),
            helper.make_node("Add", ["variance", "epsilon"], ["safe"]),
            helper.make_node("Sqrt", ["safe"], ["deviation"]),
            helper.make_node("Div", ["centred", "deviation"], ["normal"]),
            helper.make_node("Mul", ["normal", "gain"], ["y"]),
        ],
        {"x": ("float32", [2, 16])},
        {"y": ("float32", [2, 16])},
        {"two": np.float32(2), "epsilon": np.float32(1e-5), "gain": np.linspace(1, 2, 16, dtype=np.float32)},
    )
    path.write_bytes(made.SerializeToString())
    prepared, _ = go(load(path), drawn(load(path), {}), path, tmp_path / "scratch", *ALL)
    # TensorRT 8.5 has no LayerNormalization: a Xavier could not build a graph with one.
    assert set(histogram(prepared.proto)) <= set(histogram(made))


def test_quantization_survives_folding(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    matrix = np.arange(16, dtype=np.int8).reshape(4, 4)
    made = models.model(
        [
            helper.make_node("DequantizeLinear", ["q", "scale", "zero"], ["w"]),
            helper.make_node("MatMul", ["x", "w"], ["y"]),
        ],
        {"x": ("float32", [1, 4])},
        {"y": ("float32", [1, 4])},
        {"q": matrix, "scale": np.array(0.1, np.float32), "zero": np.array(0, np.int8)},
    )
    path.write_bytes(made.SerializeToString())
    prepared, _ = go(load(path), {"x": np.ones((1, 4), np.float32)}, path, tmp_path / "scratch", *ALL)
    assert histogram(prepared.proto)["DequantizeLinear"] == 1


def test_an_input_that_nothing_needs_stays_an_input(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    made = models.model(
        [
            helper.make_node("Mul", ["b", "zero"], ["nothing"]),
            helper.make_node("Relu", ["a"], ["y"]),
        ],
        {"b": ("float32", [1]), "a": ("float32", [1, 4])},
        {"y": ("float32", [1, 4])},
        {"zero": np.zeros(1, np.float32)},
    )
    path.write_bytes(made.SerializeToString())
    model = load(path)
    prepared, _ = go(model, drawn(model, {}), path, tmp_path / "scratch", *ALL)
    assert histogram(prepared.proto) == {"Relu": 1}
    assert [spec.name for spec in prepared.inputs] == ["b", "a"]


def test_big_weights_pass_through_every_step_untouched(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(weights, "LARGE_BYTES", 10_000)
    monkeypatch.setattr(weights, "BIG_BYTES", 1_000)
    path = tmp_path / "model.onnx"
    path.write_bytes(models.conv_net().SerializeToString())
    model = load(path)
    assert model.large
    prepared, _ = go(model, drawn(model, {}), path, tmp_path / "scratch", *ALL)

    def values(graph: ModelProto) -> dict[str, bytes]:
        return {item.name: numpy_helper.to_array(item).tobytes() for item in graph.graph.initializer}

    kept, original = values(prepared.proto), values(model.proto)
    assert {name: kept[name] for name in ("kernel0", "kernel1", "kernel2", "matrix")} == {
        name: original[name] for name in ("kernel0", "kernel1", "kernel2", "matrix")
    }
    assert [spec.name for spec in prepared.inputs] == ["images"]


def test_operators_that_nothing_here_can_run_are_prepared_without_comparison(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    own = helper.make_node("Own", ["x"], ["a"], domain="com.example")
    made = helper.make_model(
        helper.make_graph(
            [own, helper.make_node("Identity", ["a"], ["b"]), helper.make_node("Relu", ["b"], ["y"])],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4])],
        ),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid("com.example", 1)],
        ir_version=8,
    )
    path.write_bytes(made.SerializeToString())
    (tmp_path / "scratch").mkdir()
    pipeline = Pipeline({}, None, "no operator com.example::Own", tmp_path / "scratch")
    prepared, reports = pipeline.run(load(path), [StepCall(name) for name in ALL])
    assert histogram(prepared.proto) == {"com.example::Own": 1, "Relu": 1}
    assert {report.not_compared for report in reports} == {"no operator com.example::Own"}


class Sabotage(ModuleType):
    """A step that does something wrong."""

    NAME = "sabotage"
    DESCRIPTION = "Break the graph"
    TOOLS: tuple[str, ...] = ()
    PARAMETERS: Mapping[str, Any] = {"how": ""}
    TOLERANCE = 2e-5

    def apply(self, model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
        how = parameters["how"]
        if how == "raise":
            raise KeyError("surprise")
        if how == "numbers":
            model.CopyFrom(models.scaled_weights(model, 1.01))
        if how == "operator":
            model.graph.node[0].op_type = "Nonsense"
        if how == "output":
            del model.graph.output[0]
        if how == "type":
            model.graph.output[0].type.tensor_type.elem_type = TensorProto.INT64
        if how == "memory":
            raise MemoryError("too much")
        return model


@pytest.fixture
def sabotage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steps, "STEPS", {**steps.STEPS, "sabotage": "tests.sabotage"})
    monkeypatch.setitem(sys.modules, "tests.sabotage", Sabotage("tests.sabotage"))


@pytest.mark.parametrize(
    ("how", "sentence"),
    [
        ("raise", "the graph step sabotage failed: KeyError: 'surprise'"),
        ("numbers", "the graph step sabotage changed what the model computes: 'logits' differs in"),
        ("operator", "the graph step sabotage made an invalid graph"),
        ("output", "the graph step sabotage changed the inputs or outputs of the graph"),
        ("type", "the graph step sabotage changed the inputs or outputs of the graph"),
    ],
)
@pytest.mark.usefixtures("sabotage")
def test_a_step_that_breaks_the_graph_is_named(how: str, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(models.conv_net(channels=8).SerializeToString())
    model = load(path)
    inputs = drawn(model, {})
    before = model.proto.SerializeToString()
    pipeline = Pipeline(inputs, run(path, inputs), "", tmp_path)
    with pytest.raises(BuildFailed) as caught:
        pipeline.run(model, [StepCall("sabotage", {"how": how})])
    assert sentence in caught.value.message
    assert "--steps" in caught.value.hint
    assert model.proto.SerializeToString() == before
    assert sorted(tmp_path.iterdir()) == [path]


@pytest.mark.usefixtures("sabotage")
def test_memory_that_runs_out_is_not_the_fault_of_the_step(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(models.conv_net(channels=8).SerializeToString())
    with pytest.raises(MemoryError):
        Pipeline({}, None, "", tmp_path).run(load(path), [StepCall("sabotage", {"how": "memory"})])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (StepCall("polish"), "no graph step 'polish'"),
        (StepCall("fold", {"strength": 3}), "the graph step fold has no parameter 'strength'"),
        (StepCall("fold", {"largest_bytes": "much"}), "the parameter largest_bytes of the graph step fold is 'much'"),
    ],
)
def test_what_no_step_knows_is_refused_before_any_runs(call: StepCall, sentence: str, tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(models.conv_net(channels=8).SerializeToString())
    with pytest.raises(Unsupported, match=sentence):
        Pipeline({}, None, "", tmp_path).run(load(path), [StepCall("infer_shapes"), call])


def test_a_report_reads_as_a_line() -> None:
    assert (
        str(StepReport("fold", 9, 3, 0.123, 1.2e-6))
        == "fold: 9 -> 3 operators in 0.12 s, outputs moved by at most 1.2e-06"
    )
    assert str(StepReport("fold", 9, 3, 0.1, None, "no runtime")).endswith("not compared: no runtime")
