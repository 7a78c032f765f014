from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from farm.device.hosttools import probe_host_tools
from farm.device.machine import Machine
from farm.filehash import file_ref
from farm.protocol.errors import Invalid, Unsupported
from farm.protocol.options import ReferencePolicy
from farm.protocol.states import State
from farm.runtime.arrays import load_arrays
from tests.support import models
from worker.host.adapt import room_bytes
from worker.host.prepare import prepare

from .broken import graph
from .workspaces import workspace

SHAPES = ReferencePolicy(shapes={"input": (1, 576), "state": (2, 1, 128)})


def ignored(state: State, detail: str) -> None:
    """Nobody listens."""


def saved(folder: Path, proto: Any) -> Path:
    path = folder / "source.onnx"
    path.write_bytes(proto.SerializeToString())
    return path


def test_a_pre_trained_model_becomes_a_graph_with_references(silero: Path, tmp_path: Path) -> None:
    stages = []
    work = workspace(tmp_path, silero / models.SILERO_FILE, SHAPES)
    prepared = prepare(work, tmp_path, lambda state, detail: stages.append(state))

    assert list(dict.fromkeys(stages)) == [State.PREPARING, State.REFERENCING]
    assert [(spec.name, spec.dtype, spec.shape) for spec in prepared.inputs] == [
        ("input", "float32", (-1, -1)),
        ("state", "float32", (2, -1, 128)),
        ("sr", "int64", ()),
    ]
    assert [spec.shape for spec in prepared.outputs] == [(-1, 1), (-1, -1, -1)]
    assert prepared.reference.endswith("optimisations off")
    assert [step["name"] for step in prepared.steps] == ["fold", "simplify", "infer_shapes"]
    inputs = load_arrays(tmp_path / "output" / "reference_inputs.npz")
    outputs = load_arrays(tmp_path / "output" / "reference_outputs.npz")
    assert inputs["sr"].tolist() == 16000
    # The references are those of the model as it came; the prepared graph reproduces them.
    expected = models.plain_outputs(silero / models.SILERO_FILE, inputs)
    found = models.plain_outputs(tmp_path / "output" / "model.onnx", inputs)
    for name in ("output", "stateN"):
        assert np.array_equal(outputs[name], expected[name])
        np.testing.assert_allclose(found[name], expected[name], rtol=1e-4, atol=2e-6)


def test_every_file_is_named_by_its_content(silero: Path, tmp_path: Path) -> None:
    prepared = prepare(workspace(tmp_path, silero / models.SILERO_FILE, SHAPES), tmp_path, ignored)
    output = tmp_path / "output"
    assert prepared.files == (file_ref(output / "model.onnx"),)
    assert prepared.reference_inputs == file_ref(output / "reference_inputs.npz").sha256
    assert prepared.reference_outputs == file_ref(output / "reference_outputs.npz").sha256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["input", "output", "spec.json"]


def test_the_same_preparation_twice_has_the_same_references(silero: Path, tmp_path: Path) -> None:
    found = []
    for name in "ab":
        (tmp_path / name).mkdir()
        work = workspace(tmp_path / name, silero / models.SILERO_FILE, SHAPES)
        found.append(prepare(work, tmp_path / name, ignored))
    assert found[0].reference_inputs == found[1].reference_inputs
    assert found[0].reference_outputs == found[1].reference_outputs
    assert found[0].files == found[1].files


def test_no_steps_leave_the_graph_as_it_came(tmp_path: Path) -> None:
    path = saved(tmp_path, models.conv_net())
    prepared = prepare(workspace(tmp_path, path, steps=()), tmp_path, ignored)
    assert prepared.steps == ()
    assert onnx.load(tmp_path / "output" / "model.onnx") == onnx.load(path)


def test_arrays_of_the_author_are_the_references(tmp_path: Path) -> None:
    path = saved(tmp_path, models.top_k_net())
    given = {"x": np.arange(16, dtype=np.float32).reshape(2, 8)}
    right = {"values": np.zeros((2, 3), np.float32), "indices": np.zeros((2, 3), np.int64)}
    policy = ReferencePolicy(inputs="1" * 64, outputs="2" * 64)
    arrays: dict[str, dict[str, Any]] = {"reference_inputs.npz": given, "reference_outputs.npz": right}
    prepared = prepare(workspace(tmp_path, path, policy, arrays=arrays), tmp_path, ignored)
    assert prepared.reference == "author"
    assert np.array_equal(load_arrays(tmp_path / "output" / "reference_inputs.npz")["x"], given["x"])
    assert not load_arrays(tmp_path / "output" / "reference_outputs.npz")["values"].any()


def test_an_operator_without_a_runtime_has_no_reference_outputs(tmp_path: Path) -> None:
    own = graph(
        [helper.make_node("Own", ["x"], ["a"], domain="com.example"), helper.make_node("Relu", ["a"], ["y"])],
        opsets=[("", 17), ("com.example", 1)],
    )
    prepared = prepare(workspace(tmp_path, saved(tmp_path, own)), tmp_path, ignored)
    assert prepared.reference_outputs is None
    assert prepared.reference.startswith("none: ONNX Runtime has no operator com.example::Own")
    assert not (tmp_path / "output" / "reference_outputs.npz").exists()


def without_output_shape(operator: Any) -> Any:
    made = graph([operator], outputs=[("y", TensorProto.FLOAT, None)], opsets=[("", 17), ("com.example", 1)])
    assert not made.graph.output[0].type.tensor_type.HasField("shape")
    return made


def test_an_output_of_unknown_rank_has_the_rank_it_was_seen_with(tmp_path: Path) -> None:
    relu = without_output_shape(helper.make_node("Relu", ["x"], ["y"]))
    prepared = prepare(workspace(tmp_path, saved(tmp_path, relu), steps=()), tmp_path, ignored)
    assert prepared.outputs[0].shape == (-1, -1)


def test_an_output_of_unknown_rank_that_nobody_can_see_is_refused(tmp_path: Path) -> None:
    own = without_output_shape(helper.make_node("Own", ["x"], ["y"], domain="com.example"))
    with pytest.raises(Invalid, match="does not say how many axes its output 'y' has"):
        prepare(workspace(tmp_path, saved(tmp_path, own), steps=()), tmp_path, ignored)


def test_the_tools_must_be_those_of_the_recipe(tmp_path: Path) -> None:
    path = saved(tmp_path, models.conv_net())
    here = probe_host_tools(Machine())
    with pytest.raises(Unsupported, match=rf"asks for onnxslim 0\.0\.1, this host has {here['onnxslim']}"):
        prepare(workspace(tmp_path, path, tools={**here, "onnxslim": "0.0.1"}), tmp_path, ignored)


def test_the_tools_of_this_host_are_good(tmp_path: Path) -> None:
    path = saved(tmp_path, models.conv_net())
    assert prepare(workspace(tmp_path, path, tools=probe_host_tools(Machine())), tmp_path, ignored).files


@pytest.mark.slow
def test_a_model_of_more_than_two_gigabytes(tmp_path: Path) -> None:
    rows, columns = 16384, 32800
    weight = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[rows, columns])
    weight.data_location = TensorProto.EXTERNAL
    weight.external_data.add(key="location", value="weights.bin")
    with (tmp_path / "weights.bin").open("wb") as stream:
        # Sparse but for one row, which decides what is computed.
        stream.truncate(rows * columns * 4)
        stream.write(np.linspace(-1, 1, columns, dtype=np.float32).tobytes())
    made = graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["a"]),
            helper.make_node("Identity", ["a"], ["b"]),
            helper.make_node("Relu", ["b"], ["y"]),
        ],
        inputs=[("x", TensorProto.FLOAT, ["batch", rows])],
        outputs=[("y", TensorProto.FLOAT, ["batch", columns])],
        weights=[weight],
    )
    work = workspace(tmp_path, saved(tmp_path, made))
    assert work.model.size_bytes > 2**31

    prepared = prepare(work, tmp_path, ignored)

    assert [item.name for item in prepared.files] == ["model.onnx", "weights.bin"]
    assert prepared.files[1] == work.model.files[1]
    assert (tmp_path / "output" / "weights.bin").samefile(tmp_path / "weights.bin")
    assert prepared.files[0].size_bytes < 10_000
    assert prepared.steps[-1]["operators_after"] == 2
    outputs = load_arrays(tmp_path / "output" / "reference_outputs.npz")
    inputs = load_arrays(tmp_path / "output" / "reference_inputs.npz")
    expected = np.maximum(inputs["x"][0, 0] * np.linspace(-1, 1, columns, dtype=np.float32), 0)
    np.testing.assert_allclose(outputs["y"][0], expected, rtol=1e-6)


def test_room_is_the_machine_s_or_the_worker_s_limit_whichever_is_less(tmp_path: Path) -> None:
    machine = Machine(root=tmp_path)
    (tmp_path / "proc").mkdir()
    (tmp_path / "proc" / "meminfo").write_text("MemTotal:       1000 kB\n")
    assert room_bytes(machine, None) == 1_024_000
    assert room_bytes(machine, 1_000_000) == 1_000_000
    assert room_bytes(machine, 2_000_000) == 1_024_000
