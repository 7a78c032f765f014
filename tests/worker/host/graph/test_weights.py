from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from tests.support import models
from worker.host.graph import weights
from worker.host.graph.model import WEIGHTS_FILE, Model
from worker.host.load import load


@pytest.fixture
def big(monkeypatch: pytest.MonkeyPatch) -> ModelProto:
    """A network whose kernels count as big, in a model that counts as large."""
    monkeypatch.setattr(weights, "LARGE_BYTES", 10_000)
    monkeypatch.setattr(weights, "BIG_BYTES", 1_000)
    made: ModelProto = models.conv_net()
    return made


@pytest.mark.parametrize(
    ("data_type", "dims", "expected"),
    [
        (TensorProto.FLOAT, [2, 3], 24),
        (TensorProto.FLOAT16, [], 2),
        (TensorProto.BFLOAT16, [5], 10),
        (TensorProto.INT4, [3], 2),
        (TensorProto.BOOL, [0, 7], 0),
    ],
)
def test_size_of_a_tensor(data_type: int, dims: list[int], expected: int) -> None:
    assert weights.byte_size(TensorProto(data_type=data_type, dims=dims)) == expected


def test_big_weights_leave_and_come_back(big: ModelProto) -> None:
    before = {tensor.name: tensor.raw_data for tensor in big.graph.initializer}
    taken = weights.detach(big)
    assert set(taken) == {"kernel0", "kernel1", "kernel2", "matrix"}
    assert {value.name for value in big.graph.input} == {"images", *taken}
    weights.attach(big, taken)
    assert {tensor.name: tensor.raw_data for tensor in big.graph.initializer} == before
    assert [value.name for value in big.graph.input] == ["images"]


def test_a_weight_that_a_step_made_superfluous_does_not_come_back(big: ModelProto) -> None:
    taken = weights.detach(big)
    del big.graph.input[-1]
    weights.attach(big, taken)
    assert "matrix" not in {tensor.name for tensor in big.graph.initializer}


def test_a_large_model_is_written_with_its_weights_beside_it(big: ModelProto, tmp_path: Path) -> None:
    inputs = {"images": np.random.default_rng(0).random((1, 3, 16, 16), np.float32)}
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "a" / "model.onnx").write_bytes(big.SerializeToString())
    expected = models.plain_outputs(tmp_path / "a" / "model.onnx", inputs)

    names = load(tmp_path / "a" / "model.onnx").write(tmp_path / "b")

    assert names == ("model.onnx", WEIGHTS_FILE)
    assert (tmp_path / "b" / "model.onnx").stat().st_size < 5_000
    found = models.plain_outputs(tmp_path / "b" / "model.onnx", inputs)
    assert all(np.array_equal(found[name], expected[name]) for name in expected)


def test_files_of_weights_are_linked_and_never_written_again(big: ModelProto, tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).mkdir()
    first = Model(big, tmp_path / "a", large=True).write(tmp_path / "b")
    again = load(tmp_path / "b" / "model.onnx")
    assert [tensor.name for tensor in again.proto.graph.initializer if weights.is_external(tensor)]
    assert again.write(tmp_path / "c") == first
    assert (tmp_path / "c" / WEIGHTS_FILE).samefile(tmp_path / "b" / WEIGHTS_FILE)


def test_new_weights_never_take_the_name_of_a_file_of_the_model(big: ModelProto, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).mkdir()
    (tmp_path / "a" / WEIGHTS_FILE).write_bytes(b"another content under another digest")
    assert Model(big, tmp_path / "a", large=True).write(tmp_path / "b") == ("model.onnx", f"{WEIGHTS_FILE}.1")


def test_weights_kept_as_numbers_are_spilled_as_bytes(big: ModelProto, tmp_path: Path) -> None:
    values = np.arange(1000, dtype=np.float32)
    tensor = helper.make_tensor("numbers", TensorProto.FLOAT, [1000], values)
    assert not tensor.HasField("raw_data")
    big.graph.initializer.append(tensor)
    weights.spill(big, tmp_path / "w")
    spilled = big.graph.initializer[-1]
    assert weights.is_external(spilled)
    weights.embed(big, tmp_path, keep_big=False)
    assert np.array_equal(numpy_helper.to_array(big.graph.initializer[-1]), values)
