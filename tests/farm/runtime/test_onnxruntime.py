from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from farm.protocol.engine import TensorSpec
from farm.protocol.errors import BuildFailed, Invalid, Unsupported
from farm.protocol.options import BuildOptions, ShapeRange
from farm.runtime.onnxruntime import open_session
from farm.runtime.onnxruntime_profile import kernels

from ...support import models


@pytest.fixture
def opened(tmp_path: Path) -> Any:
    def save_and_open(model: Any, **options: Any) -> Any:
        onnx.save(model, str(tmp_path / "engine.onnx"))
        return open_session(tmp_path / "engine.onnx", BuildOptions(**options))

    return save_and_open


def test_inputs_and_outputs_are_named_typed_and_shaped(opened: Any) -> None:
    with opened(models.embedding_net()) as session:
        assert session.inputs == (TensorSpec("ids", "int64", (-1, -1)), TensorSpec("scale", "float32", ()))
        assert session.outputs == (TensorSpec("vectors", "float32", (-1, -1, 16)),)
        assert session.backend == "onnxruntime"


def test_scalar_and_integer_inputs_run(opened: Any) -> None:
    with opened(models.embedding_net()) as session:
        ids = np.array([[1, 2, 3]])
        once = session.run({"ids": ids, "scale": np.array(1, np.float32)})["vectors"]
        twice = session.run({"scale": np.float32(2), "ids": ids})["vectors"]
        assert np.array_equal(twice, 2 * once)


def test_dynamic_axes_take_every_size(opened: Any) -> None:
    with opened(models.lstm_net()) as session:
        for length in (1, 7):
            outputs = session.run({"steps": np.ones((length, 1, 16), np.float32)})
            assert outputs["y"].shape == (length, 2, 1, 32)


def test_profiles_bound_the_sizes(opened: Any) -> None:
    profile = {"steps": ShapeRange((2, 1, 16), (4, 1, 16), (8, 1, 16))}
    with opened(models.lstm_net(), profiles=(profile,)) as session:
        session.run({"steps": np.ones((8, 1, 16), np.float32)})
        with pytest.raises(Invalid, match="outside of the profile 2x1x16 to 8x1x16"):
            session.run({"steps": np.ones((9, 1, 16), np.float32)})


def test_wrong_inputs_are_told_before_onnxruntime_sees_them(opened: Any) -> None:
    with opened(models.conv_net()) as session, pytest.raises(Invalid, match="float64, the engine takes float32"):
        session.run({"images": np.zeros((1, 3, 16, 16))})


def test_what_only_onnxruntime_can_find_wrong_is_one_sentence(opened: Any) -> None:
    with opened(models.embedding_net()) as session, pytest.raises(Invalid, match="cannot run these inputs") as caught:
        session.run({"ids": np.array([[1000]]), "scale": np.float32(1)})
    assert "\n" not in caught.value.message


def test_a_measurement_of_inputs_that_the_engine_cannot_run_says_so_once(
    opened: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    inputs = {"ids": np.array([[10**6]]), "scale": np.array(1, np.float32)}
    with opened(models.embedding_net()) as session, session.bound(inputs) as run, pytest.raises(Invalid, match="run"):
        run()
    assert capfd.readouterr().err == ""


def test_a_closed_engine_says_so(opened: Any) -> None:
    session = opened(models.conv_net())
    session.close()
    session.close()
    with pytest.raises(Invalid, match="closed"):
        session.run({"images": np.zeros((1, 3, 16, 16), np.float32)})


def test_several_threads_may_run_at_once(opened: Any) -> None:
    with opened(models.conv_net()) as session:
        assert session.concurrent
        images = np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)
        expected, found = session.run({"images": images}), []
        threads = [threading.Thread(target=lambda: found.append(session.run({"images": images}))) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert all(np.array_equal(each["logits"], expected["logits"]) for each in found)
        assert len(found) == 8


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x08\x08"])
def test_what_is_no_model_cannot_be_loaded(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "engine.onnx").write_bytes(content)
    with pytest.raises(BuildFailed, match=r"onnxruntime [\d.]+ cannot load engine.onnx"):
        open_session(tmp_path / "engine.onnx")


def test_strings_are_refused_by_name(tmp_path: Path) -> None:
    value = onnx.helper.make_tensor_value_info("words", onnx.TensorProto.STRING, [1])
    other = onnx.helper.make_tensor_value_info("same", onnx.TensorProto.STRING, [1])
    graph = onnx.helper.make_graph([onnx.helper.make_node("Identity", ["words"], ["same"])], "g", [value], [other])
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(made, str(tmp_path / "engine.onnx"))
    with pytest.raises(Unsupported, match=r"input 'words' is a tensor\(string\)"):
        open_session(tmp_path / "engine.onnx")


def test_layers_name_the_slowest_kernels_first(opened: Any) -> None:
    with opened(models.conv_net(size=32)) as session:
        layers = session.layers({"images": np.zeros((1, 3, 32, 32), np.float32)})
    # Which kernel is the slowest is the machine's to say: a busy one may hold up any of them.
    assert {layer["operator"] for layer in layers} & {"Conv", "FusedConv"}
    assert [layer["mean_ms"] for layer in layers] == sorted((layer["mean_ms"] for layer in layers), reverse=True)
    assert sum(layer["share"] for layer in layers) == pytest.approx(1.0, abs=0.01)


def test_layers_look_into_branches_and_count_nothing_twice(silero: Any) -> None:
    with open_session(silero / models.SILERO_FILE) as session:
        layers = session.layers(models.silero_inputs())
    assert {"LSTM", "Conv"} <= {layer["operator"] for layer in layers}
    assert "If" not in {layer["operator"] for layer in layers}


def test_the_first_run_of_each_kernel_does_not_count() -> None:
    def event(microseconds: Any) -> Any:
        return {"cat": "Node", "name": "a_kernel_time", "dur": microseconds, "args": {"op_name": "Conv"}}

    assert kernels([event(9000), event(1000), event(3000)], 2) == (
        {"name": "a", "operator": "Conv", "mean_ms": 2.0, "share": 1.0},
    )
    assert kernels([{"cat": "Session", "name": "a_kernel_time", "dur": 1}], 2) == ()


def test_every_option_reaches_the_session(opened: Any) -> None:
    options = {
        "intra_op_threads": 1,
        "inter_op_threads": 2,
        "allow_spinning": False,
        "denormal_as_zero": True,
        "graph_optimization_level": "basic",
    }
    with opened(models.conv_net(), backend_options=options) as session:
        told = session._session.get_session_options()
        assert (told.intra_op_num_threads, told.inter_op_num_threads) == (1, 2)
        assert told.get_session_config_entry("session.intra_op.allow_spinning") == "0"
        assert told.get_session_config_entry("session.set_denormal_as_zero") == "1"
