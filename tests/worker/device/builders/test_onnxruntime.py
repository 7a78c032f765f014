from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from farm.protocol.errors import BuildFailed, Invalid, Unsupported
from farm.protocol.options import BuildOptions, Precision, ShapeRange
from farm.protocol.report import Verdict
from farm.runtime.verify.run import verify
from worker.device.builders import onnxruntime_optimize
from worker.device.builders.table import load

from ....support import models
from .orders import order_of, target_here

IMAGES = {"images": np.random.default_rng(7).standard_normal((1, 3, 16, 16)).astype(np.float32)}
BUILDER = load("onnxruntime")


def built(folder: Any, model: Any, inputs: Any, options: Any = BuildOptions(), **more: Any) -> Any:  # noqa: B008  frozen
    """Build, open and verify; the engine on disk, its description and the verdict over it."""
    order = order_of(folder, model, options, **more)
    engine = BUILDER.build(order)
    references = models.plain_outputs(order.model, inputs)
    with BUILDER.open(order.output / engine.files[0], options) as session:
        report = verify(session, inputs, references, precision=options.precision)
    return order, engine, report


def size(order: Any, engine: Any) -> Any:
    return sum((order.output / name).stat().st_size for name in engine.files)


def test_an_engine_is_optimised_for_this_processor_and_right(tmp_path: Path) -> None:
    order, engine, report = built(tmp_path, models.conv_net(), IMAGES)
    operators = {node.op_type: node.domain for node in onnx.load(str(order.output / "engine.onnx")).graph.node}
    assert engine.files == ("engine.onnx",)
    assert "Relu" not in operators
    assert engine.effective["operators"] < engine.effective["operators_of_the_model"]
    if "avx" in target_here().instruction_sets:
        assert operators["Conv"] == "com.microsoft.nchwc"
    assert report.verdict is Verdict.PASSED


def test_the_requirement_names_what_the_engine_depends_on(tmp_path: Path) -> None:
    _, engine, _ = built(tmp_path, models.conv_net(), IMAGES)
    assert engine.requirement.instruction_sets == target_here().instruction_sets
    assert engine.requirement.backend_version == target_here().backend_version


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
@pytest.mark.parametrize("rate", [16000, 8000])
def test_a_pre_trained_network_with_branches_becomes_a_right_engine(
    tmp_path: Path, silero: Any, precision: Any, rate: int
) -> None:
    options = BuildOptions(precision=precision)
    order, engine, report = built(tmp_path, silero / models.SILERO_FILE, models.silero_inputs(rate), options)
    assert report.verdict is Verdict.PASSED, report.reason
    assert engine.effective["operators"] > 100
    if precision is Precision.FP16:
        assert size(order, engine) < 0.6 * 3300000


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16, Precision.INT8])
def test_equal_orders_give_equal_engines(tmp_path: Path, precision: Any) -> None:
    samples = {"images": np.random.default_rng(2).standard_normal((4, 1, 3, 16, 16)).astype(np.float32)}
    content = []
    for name in ("one", "other"):
        options = BuildOptions(precision=precision)
        order, engine, _ = built(tmp_path / name, models.conv_net(), IMAGES, options, calibration=samples)
        content.append([(order.output / file).read_bytes() for file in engine.files])
    assert content[0] == content[1]


def test_float16_weights_halve_the_engine_and_say_so(tmp_path: Path) -> None:
    options = BuildOptions(precision=Precision.FP16)
    whole = built(tmp_path / "fp32", models.conv_net(channels=64), IMAGES)
    half = built(tmp_path / "fp16", models.conv_net(channels=64), IMAGES, options)
    assert size(*half[:2]) < 0.55 * size(*whole[:2])
    assert half[1].effective["precision"] == "float16 weights, float32 arithmetic"
    assert half[2].verdict is Verdict.PASSED
    # The weights are rounded, so the outputs are not those of float32.
    assert half[2].outputs[0].absolute.maximum > 10 * whole[2].outputs[0].absolute.maximum


def test_weights_beyond_float16_stay_float32(tmp_path: Path) -> None:
    model = models.conv_net()
    kernel = onnx.numpy_helper.to_array(model.graph.initializer[0]).copy()
    kernel[0, 0, 0, 0] = 1e6
    model.graph.initializer[0].CopyFrom(onnx.numpy_helper.from_array(kernel, "kernel0"))
    _, engine, _ = built(tmp_path, model, IMAGES, BuildOptions(precision=Precision.FP16))
    assert engine.effective["float32_weights_out_of_range"] == 1


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_weights_of_large_models_lie_beside_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: Any
) -> None:
    monkeypatch.setattr(onnxruntime_optimize, "ONE_FILE_BYTES", 1 << 16)
    options = BuildOptions(precision=precision)
    order, engine, report = built(tmp_path, models.conv_net(channels=64), IMAGES, options, beside=True)
    assert engine.files == ("engine.onnx", "engine.onnx.data")
    assert (order.output / "engine.onnx").stat().st_size < 1 << 16
    assert report.verdict is Verdict.PASSED
    assert sorted(path.name for path in order.output.iterdir()) == sorted(engine.files)


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.FP16])
def test_an_engine_never_needs_the_files_of_its_model(tmp_path: Path, precision: Any) -> None:
    options = BuildOptions(precision=precision)
    order, engine, report = built(tmp_path, models.conv_net(), IMAGES, options, beside=True)
    assert engine.files == ("engine.onnx",)
    assert report.verdict is Verdict.PASSED
    (order.model.parent / "weights/data.bin").unlink()
    with BUILDER.open(order.output / "engine.onnx", options) as session:
        assert np.isfinite(session.run(IMAGES)["logits"]).all()


def test_weights_that_are_cut_off_are_a_failed_build(tmp_path: Path) -> None:
    order = order_of(tmp_path, models.conv_net(), beside=True)
    path = order.model.parent / "weights/data.bin"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BuildFailed):
        BUILDER.build(order)


def profile(minimum: Any, maximum: Any) -> Any:
    return ({"images": ShapeRange((minimum, 3, 16, 16), (minimum, 3, 16, 16), (maximum, 3, 16, 16))},)


def test_an_axis_that_a_profile_fixes_is_fixed_in_the_engine(tmp_path: Path) -> None:
    model = models.conv_net(batch="batch", size="size")
    options = BuildOptions(profiles=profile(1, 1))
    order, engine, report = built(tmp_path, model, IMAGES, options, beside=True)
    with BUILDER.open(order.output / engine.files[0], options) as session:
        assert session.inputs[0].shape == (1, 3, 16, 16)
        assert session.outputs[0].shape == (1, 10)
    assert engine.effective["fixed_axes"] == {"images[0]": 1, "images[2]": 16, "images[3]": 16}
    assert report.verdict is Verdict.PASSED


def test_axes_stay_open_where_a_branch_that_is_never_taken_cannot_have_them(tmp_path: Path, silero: Any) -> None:
    """The branch for 8 kHz leaves nothing of the sound that the branch for 16 kHz takes."""
    sizes = {
        "input": ShapeRange((1, 576), (1, 576), (1, 576)),
        "state": ShapeRange((2, 1, 128), (2, 1, 128), (2, 1, 128)),
    }
    options = BuildOptions(profiles=(sizes,))
    _, engine, report = built(tmp_path, silero / models.SILERO_FILE, models.silero_inputs(), options)
    assert "LSTM" in engine.effective["axes_left_open"]
    assert "fixed_axes" not in engine.effective
    assert report.verdict is Verdict.PASSED


def test_an_axis_with_a_range_stays_dynamic_and_is_held_to_it(tmp_path: Path) -> None:
    options = BuildOptions(profiles=profile(1, 4))
    order, engine, report = built(tmp_path, models.conv_net(batch="batch"), IMAGES, options)
    assert report.verdict is Verdict.PASSED
    with BUILDER.open(order.output / engine.files[0], options) as session:
        assert session.inputs[0].shape == (-1, 3, 16, 16)
        session.run({"images": np.zeros((4, 3, 16, 16), np.float32)})
        with pytest.raises(Invalid, match="outside of the profile"):
            session.run({"images": np.zeros((5, 3, 16, 16), np.float32)})


def test_several_profiles_share_one_graph(tmp_path: Path) -> None:
    options = BuildOptions(profiles=profile(1, 1) + profile(8, 8))
    order, engine, _ = built(tmp_path, models.conv_net(batch="batch"), IMAGES, options)
    assert "fixed_axes" not in engine.effective
    with BUILDER.open(order.output / engine.files[0], options) as session:
        assert session.run({"images": np.zeros((8, 3, 16, 16), np.float32)})["logits"].shape == (8, 10)


@pytest.mark.parametrize(
    ("profiles", "message"),
    [
        (({"image": ShapeRange((1,), (1,), (1,))},), "names the input 'image'. The model's inputs are images"),
        (({"images": ShapeRange((1,), (1,), (1,))},), "1 axes, the model 4"),
        (profile(2, 2), "axis 0 of input 'images' 2 to 2, the model fixes it at 1"),
    ],
)
def test_a_profile_that_contradicts_the_model_is_an_error(tmp_path: Path, profiles: Any, message: str) -> None:
    with pytest.raises(Invalid, match=message):
        BUILDER.build(order_of(tmp_path, models.conv_net(), BuildOptions(profiles=profiles)))


def test_axes_of_one_name_cannot_get_two_sizes(tmp_path: Path) -> None:
    shapes = ShapeRange((1, 3, 16, 8), (1, 3, 16, 8), (1, 3, 16, 8))
    order = order_of(tmp_path, models.conv_net(size="size"), BuildOptions(profiles=({"images": shapes},)))
    with pytest.raises(Invalid, match="'size'"):
        BUILDER.build(order)


@pytest.mark.parametrize("level", ["disable", "basic", "extended", "all"])
def test_the_level_of_optimisation_is_honoured_and_recorded(tmp_path: Path, level: str) -> None:
    options = BuildOptions(backend_options={"graph_optimization_level": level, "intra_op_threads": 1})
    order, engine, report = built(tmp_path, models.conv_net(), IMAGES, options)
    graph = onnx.load(str(order.output / "engine.onnx")).graph
    assert engine.effective["graph_optimization_level"] == level
    assert ("Relu" in {node.op_type for node in graph.node}) == (level in ("disable", "basic"))
    assert ("com.microsoft.nchwc" in {node.domain for node in graph.node}) <= (level == "all")
    assert report.verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (BuildOptions(backend_options={"workspace": 1}), "has no option 'workspace'"),
        (BuildOptions(backend_options={"per_channel": True}), "uses per_channel only for int8, not for fp32"),
        (BuildOptions(precision=Precision.BF16), r"onnxruntime \d+\.\d+\.\d+ cannot build --precision bf16"),
        (BuildOptions(precision=Precision.INT8), "without calibration data. Give samples .* --calib"),
    ],
)
def test_what_it_cannot_honour_is_an_error(tmp_path: Path, options: Any, message: str) -> None:
    with pytest.raises(Unsupported, match=message):
        BUILDER.build(order_of(tmp_path, models.conv_net(), options))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backend_version": "1.2.3"}, "the build is for 1.2.3. Restart the worker"),
        ({"instruction_sets": ("future",)}, "instruction sets of this processor are not those of the target; .*future"),
    ],
)
def test_a_target_that_is_not_this_device_is_refused(tmp_path: Path, change: Any, message: str) -> None:
    target = dataclasses.replace(target_here(), **change)
    with pytest.raises(Unsupported, match=message):
        BUILDER.build(order_of(tmp_path, models.conv_net(), target=target))


def test_a_graph_onnxruntime_cannot_take_is_its_own_message(tmp_path: Path) -> None:
    order = order_of(tmp_path, models.conv_net())
    model = onnx.load(str(order.model))
    model.graph.node[0].op_type = "NoSuchOperator"
    onnx.save(model, str(order.model))
    with pytest.raises(BuildFailed, match="NoSuchOperator"):
        BUILDER.build(order)
