"""The builder of TensorRT against the real parser and builder: what it makes, tells and refuses."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from farm.protocol.errors import BuildFailed, Invalid, Unsupported
from farm.protocol.options import Precision
from tests.support import models
from worker.device.builders.table import load

from .orders import around, order
from .rig import VERSION

BUILDER = load("tensorrt_rtx")


@pytest.fixture(autouse=True)
def _rig_is_found(rig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(rig))


def odd_net(kind: str, domain: str = "", name: str = "odd") -> Any:
    """A graph whose second operator is of a kind that no parser has."""
    values = [helper.make_tensor_value_info(item, TensorProto.FLOAT, [1, 4]) for item in ("x", "y")]
    nodes = [helper.make_node("Relu", ["x"], ["h"]), helper.make_node(kind, ["h"], ["y"], name=name, domain=domain)]
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("own", 1)]
    return helper.make_model(helper.make_graph(nodes, "g", values[:1], values[1:]), opset_imports=opsets, ir_version=8)


def _open(name: str) -> Any:
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, None)


def branching() -> Any:
    """A graph with an If whose branches give tensors of different rank."""
    inputs = [
        helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 4]),
        helper.make_tensor_value_info("flat", TensorProto.BOOL, []),
    ]
    branches = {
        which: helper.make_graph([helper.make_node(kind, ["x"], [kind])], which, [], [_open(kind)])
        for which, kind in (("then_branch", "Squeeze"), ("else_branch", "Identity"))
    }
    graph = helper.make_graph([helper.make_node("If", ["flat"], ["y"], **branches)], "g", inputs, [_open("y")])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_it_finds_the_runtime_and_its_version() -> None:
    told = BUILDER.probe()
    assert (told.version, told.reason) == (VERSION, "")


def test_an_engine_names_its_inputs_outputs_and_the_cards_it_is_for(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net())
    built = BUILDER.build(made)
    assert built.files == ("engine.plan",)
    assert (made.output / "engine.plan").stat().st_size > 50000
    assert [(spec.name, spec.dtype, spec.shape) for spec in built.inputs] == [("images", "float32", (1, 3, 16, 16))]
    assert [spec.name for spec in built.outputs] == ["logits", "features"]
    assert built.requirement.compute_capabilities == ("8.0", "8.6", "8.9", "12.0")
    assert (built.requirement.gpu, built.requirement.backend_version) == (None, VERSION)
    assert built.effective["precision"] == "float32, as the graph says"
    assert (built.effective["rung"], built.degraded) == ("as asked", False)
    assert built.effective["layers"] > 3


def test_the_layers_of_the_network_are_told_where_no_engine_can_be_asked(tmp_path: Path) -> None:
    built = BUILDER.build(order(tmp_path, models.conv_net()))
    assert len(built.layers) == built.effective["layers"]
    convolution = next(layer for layer in built.layers if layer["operator"] == "convolution")
    assert (convolution["types"], set(convolution)) == ("fp32", {"name", "operator", "types"})
    assert {"constant", "activation"} & {layer["operator"] for layer in built.layers}


def test_weights_in_a_file_beside_the_graph_are_found(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net(channels=64), beside=True)
    assert (made.model.parent / "weights/data.bin").exists()
    assert BUILDER.build(made).files == ("engine.plan",)
    assert (made.output / "engine.plan").stat().st_size > 300000


def test_open_axes_without_shapes_are_asked_for_before_anything_is_built(tmp_path: Path) -> None:
    with pytest.raises(Invalid) as caught:
        BUILDER.build(order(tmp_path, models.conv_net(size="side", batch="n")))
    assert "images [?, 3, ?, ?] has none" in caught.value.message
    assert "--min-shapes images:1x3x1x1" in caught.value.hint


def test_one_engine_holds_several_profiles(tmp_path: Path) -> None:
    model = models.conv_net(size="side", batch="n")
    large = {"images": around((1, 3, 16, 16), (2, 3, 16, 16), (4, 3, 32, 32))}
    small = {"images": around((1, 3, 8, 8), (1, 3, 8, 8), (1, 3, 8, 8))}
    sizes = []
    for number, profiles in enumerate([(large,), (large, small)]):
        made = order(tmp_path / str(number), model, profiles=profiles)
        built = BUILDER.build(made)
        assert built.inputs[0].shape == (-1, 3, -1, -1)
        sizes.append((made.output / "engine.plan").stat().st_size)
    assert sizes[1] > 1.3 * sizes[0]


def test_an_unknown_operator_is_named_with_its_node(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net())
    onnx.save(odd_net("Frobnicate", "own"), str(made.model))
    with pytest.raises(Unsupported) as caught:
        BUILDER.build(made)
    assert caught.value.message == (
        f"TensorRT for RTX {VERSION} has no operator own::Frobnicate, which the own::Frobnicate 'odd' needs, "
        "and no plugin of that name is loaded"
    )


def test_an_operator_that_cannot_be_parsed_is_named_with_what_the_parser_says(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net())
    onnx.save(odd_net("Reshape", name=""), str(made.model))
    with pytest.raises(BuildFailed, match="cannot parse the Reshape that gives 'y': "):
        BUILDER.build(made)


def test_an_operator_that_the_parser_never_takes_is_named(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net())
    onnx.save(odd_net("Det", name="area"), str(made.model))
    with pytest.raises(Unsupported, match="has no operator Det, which the Det 'area' needs"):
        BUILDER.build(made)


def test_weights_that_are_missing_are_named_with_what_to_do(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net())
    model = onnx.load(str(made.model))
    onnx.save(model, str(made.model), save_as_external_data=True, location="side.bin", size_threshold=0)
    (made.model.parent / "side.bin").unlink()
    with pytest.raises(BuildFailed) as caught:
        BUILDER.build(made)
    assert caught.value.hint == "The weights in side.bin are missing: submit the model with that file beside it."


def test_a_branch_with_two_ranks_fails_with_what_to_do(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net())
    onnx.save(branching(), str(made.model))
    with pytest.raises(BuildFailed, match="Must have inputs with equal ranks") as caught:
        BUILDER.build(made)
    assert "Both branches of an If" in caught.value.hint


@pytest.mark.parametrize("garbage", [b"not an onnx at all", models.conv_net().SerializeToString()[:20000]])
def test_garbage_is_no_model(tmp_path: Path, garbage: bytes) -> None:
    made = order(tmp_path, models.conv_net())
    made.model.write_bytes(garbage)
    with pytest.raises(BuildFailed, match="cannot read the file as ONNX"):
        BUILDER.build(made)


def test_an_empty_graph_has_no_outputs(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net())
    made.model.write_bytes(b"")
    with pytest.raises(BuildFailed, match="finds no outputs"):
        BUILDER.build(made)


def test_a_workspace_that_is_too_small_fails_and_says_how_to_change_it(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net(), memPoolSize="workspace:0.001")
    with pytest.raises(BuildFailed, match="no tactics to implement the operation within workspace limit") as caught:
        BUILDER.build(made)
    assert "memPoolSize=workspace" in caught.value.hint


def test_progress_and_messages_are_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    BUILDER.build(order(tmp_path, models.conv_net()))
    text = caplog.text
    assert "building: 0 %, Building engine" in text
    assert "[TensorRT] info: Engine generation completed" in text


@pytest.mark.parametrize("precision", [Precision.TF32, Precision.FP32])
def test_the_flags_of_a_precision_are_in_the_manifest(tmp_path: Path, precision: Precision) -> None:
    built = BUILDER.build(order(tmp_path, models.conv_net(), precision))
    assert built.effective["precision_flags"] == (["TF32"] if precision is Precision.TF32 else [])


def test_int8_is_q_dq_from_calibration_samples(tmp_path: Path) -> None:
    samples = {"images": np.random.default_rng(2).standard_normal((4, 1, 3, 16, 16)).astype(np.float32)}
    built = BUILDER.build(order(tmp_path / "int8", models.conv_net(), Precision.INT8, calibration=samples))
    assert built.effective["calibration_samples"] == 4
    assert built.effective["quantized_tensors"] >= 4
    assert built.effective["precision"].startswith("int8 between Q/DQ")


def test_int8_without_samples_says_what_to_give(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="without calibration data") as caught:
        BUILDER.build(order(tmp_path, models.conv_net(), Precision.INT8))
    assert "--calib" in caught.value.hint


def test_a_graph_without_anything_to_quantize_is_refused(tmp_path: Path) -> None:
    samples = {"x": np.zeros((2, 1, 8), np.float32)}
    profiles = ({"x": around((1, 8), (1, 8), (1, 8))},)
    with pytest.raises(Unsupported, match="nothing to quantize"):
        BUILDER.build(order(tmp_path, models.top_k_net(), Precision.INT8, profiles=profiles, calibration=samples))


def test_an_engine_is_built_for_the_cards_that_are_told(tmp_path: Path) -> None:
    sizes = {}
    for number, cards in enumerate(("8.6", "sm80,sm86,sm89,sm120")):
        made = order(tmp_path / str(number), models.conv_net(), computeCapabilities=cards)
        built = BUILDER.build(made)
        sizes[built.requirement.compute_capabilities] = (made.output / "engine.plan").stat().st_size
    assert sorted(sizes) == [("8.0", "8.6", "8.9", "12.0"), ("8.6",)]
    assert len(set(sizes.values())) == 2


def test_turing_multiplies_no_float32_matrices_there(tmp_path: Path) -> None:
    profiles = ({"x": around((1, 8), (1, 8), (1, 8))},)
    assert BUILDER.build(order(tmp_path / "other", models.top_k_net(), profiles=profiles, computeCapabilities="7.5"))
    with pytest.raises(BuildFailed, match="for Turing") as caught:
        BUILDER.build(order(tmp_path / "gemm", models.conv_net(), computeCapabilities="7.5"))
    assert "--precision fp16" in caught.value.hint


def test_an_option_that_tensorrt_for_rtx_has_not_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="has no option 'avgTiming': it times no tactics"):
        BUILDER.build(order(tmp_path, models.conv_net(), avgTiming=8))


def test_levels_and_pools_are_set_and_told(tmp_path: Path) -> None:
    pools = "workspace:512,tacticSharedMem:48K"
    built = BUILDER.build(order(tmp_path, models.conv_net(), builderOptimizationLevel=1, memPoolSize=pools))
    told = {name: built.effective[name] for name in ("optimization_level", "workspace_bytes")}
    assert told == {"optimization_level": 1, "workspace_bytes": 512 << 20}
    assert built.effective["tactic_shared_memory_bytes"] == 48 << 10


def test_a_graph_that_is_not_float16_is_never_built_as_float16(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="takes float16 from the graph, and the prepared graph holds none"):
        BUILDER.build(order(tmp_path, models.conv_net(), Precision.FP16))


def test_an_operator_for_which_a_plugin_is_missing_is_told_as_such(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net())
    values = {
        name: helper.make_tensor_value_info(name, kind, shape)
        for name, kind, shape in [
            ("x", TensorProto.FLOAT, [1, 4, 16, 16]),
            ("rois", TensorProto.FLOAT, [3, 4]),
            ("images", TensorProto.INT64, [3]),
            ("y", TensorProto.FLOAT, [3, 4, 7, 7]),
        ]
    }
    sizes: dict[str, Any] = {"output_height": 7, "output_width": 7, "sampling_ratio": 2}
    node = helper.make_node("RoiAlign", ["x", "rois", "images"], ["y"], **sizes)
    graph = helper.make_graph([node], "g", [values["x"], values["rois"], values["images"]], [values["y"]])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 16)], ir_version=8), str(made.model))
    # TensorRT has a plugin for it; the package of TensorRT for RTX comes without that library.
    with pytest.raises(Unsupported, match="has no operator RoiAlign, which the RoiAlign that gives 'y' needs"):
        BUILDER.build(made)
