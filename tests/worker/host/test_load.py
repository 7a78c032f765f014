from __future__ import annotations

import os
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import ModelProto, TensorProto

from farm.protocol.errors import Invalid
from tests.support import models
from worker.host.graph.walk import count
from worker.host.graph.weights import is_external
from worker.host.load import load

from .broken import BROKEN, graph, product, relu, weight


def saved(folder: Path, model: ModelProto) -> Path:
    path = folder / "model.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def with_external(folder: Path, location: str = "w.bin", told: dict[str, str] | None = None, size: int = 64) -> Path:
    """A product whose weight is said to lie in a file."""
    made = weight(raw=b"")
    made.ClearField("raw_data")
    made.data_location = TensorProto.EXTERNAL
    for key, value in {"location": location, **(told or {})}.items():
        made.external_data.add(key=key, value=value)
    if size:
        (folder / "w.bin").write_bytes(np.ones(size // 4, np.float32).tobytes())
    return saved(folder, product(made))


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_is_one_sentence_with_a_next_step(what: str, tmp_path: Path) -> None:
    make, sentence = BROKEN[what]
    with pytest.raises(Invalid) as caught:
        load(saved(tmp_path, make()))
    assert sentence in caught.value.message
    assert "\n" not in str(caught.value)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "model.onnx is empty"),
        (b"hello world, this is text\n" * 9, "model.onnx is not an ONNX file"),
        (b"\x89PNG\r\n\x1a\n" + bytes(99), "model.onnx is not an ONNX file"),
        (b"PK\x03\x04" + bytes(99), "model.onnx is not an ONNX file"),
    ],
)
def test_what_is_no_model_is_told_without_the_path_of_the_workspace(
    content: bytes, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(Invalid) as caught:
        load(path)
    assert caught.value.message.startswith(sentence)
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_a_cut_model_is_cut_off(share: float, silero: Path, tmp_path: Path) -> None:
    whole = (silero / models.SILERO_FILE).read_bytes()
    path = tmp_path / "model.onnx"
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(Invalid, match=r"model\.onnx is cut off"):
        load(path)


@pytest.mark.parametrize(
    ("location", "told", "sentence"),
    [
        ("missing.bin", {}, "needs missing.bin, which cannot be read"),
        ("../w.bin", {}, "leaves the folder of the model"),
        ("a/../../w.bin", {}, "leaves the folder of the model"),
        ("/etc/hostname", {}, "leaves the folder of the model"),
        ("C:\\w.bin", {}, "leaves the folder of the model"),
        ("", {}, "names no file"),
        ("w.bin", {"offset": "32"}, "has 32 bytes where its shape needs 64"),
        ("w.bin", {"offset": "-1"}, "has the offset '-1'"),
        ("w.bin", {"length": "32"}, "has 32 bytes in its file where its shape needs 64"),
        ("w.bin", {"offset": "0", "length": str(1 << 60)}, "cut off"),
    ],
)
def test_external_data_must_be_there_and_stay_in_its_folder(
    location: str, told: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "w.bin").write_bytes(bytes(64))
    with pytest.raises(Invalid) as caught:
        load(with_external(folder, location, told))
    assert sentence in caught.value.message
    assert str(tmp_path) not in str(caught.value)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "inner"
    folder.mkdir()
    (tmp_path / "secret.bin").write_bytes(bytes(64))
    path = with_external(folder, size=0)
    (folder / "w.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(Invalid, match="link that leaves the folder"):
        load(path)


@pytest.mark.parametrize("location", ["w.bin", "./w.bin"])
def test_external_data_is_read_also_from_a_file_with_two_names(location: str, tmp_path: Path) -> None:
    path = with_external(tmp_path, location)
    os.link(tmp_path / "w.bin", tmp_path / "cached")
    (tensor,) = load(path).proto.graph.initializer
    assert not is_external(tensor)
    assert onnx.numpy_helper.to_array(tensor).tolist() == np.ones((4, 4)).tolist()


def test_weights_that_are_listed_as_inputs_are_none(tmp_path: Path) -> None:
    made = product(weight())
    made.graph.input.append(onnx.helper.make_tensor_value_info("w", TensorProto.FLOAT, [4, 4]))
    made.ir_version = 3
    model = load(saved(tmp_path, made))
    assert [spec.name for spec in model.inputs] == ["x"]
    assert model.proto.ir_version == 4


def test_sizes_of_nothing_are_axes_of_any_size(tmp_path: Path) -> None:
    made = graph([relu()], [("x", TensorProto.FLOAT, [-1, 4])], [("y", TensorProto.FLOAT, [0, 4])])
    model = load(saved(tmp_path, made))
    assert [spec.shape for spec in (*model.inputs, *model.outputs)] == [(-1, 4), (-1, 4)]


@pytest.mark.parametrize("file", ["silero_vad.onnx", "silero_vad_16k_op15.onnx", "silero_vad_op18_ifless.onnx"])
def test_pre_trained_models_open(file: str, silero: Path) -> None:
    model = load(silero / file)
    assert not model.large
    assert count(model.proto) > 80
    assert "state" in [spec.name for spec in model.inputs]


NETS: tuple[Callable[[], ModelProto], ...] = (
    lambda: models.conv_net(channels=4, blocks=1),
    models.embedding_net,
    lambda: models.lstm_net(hidden=4),
)


@pytest.mark.parametrize("seed", range(4))
def test_damaged_files_open_or_are_refused_and_nothing_else(seed: int, tmp_path: Path) -> None:
    draw = random.Random(seed)
    refused = 0
    for _ in range(100):
        data = bytearray(draw.choice(NETS)().SerializeToString())
        for _ in range(draw.randint(1, 6)):
            # Where the structure is: before and after the bulk of the weights.
            near = draw.randrange(min(600, len(data)))
            data[near if draw.random() < 0.5 else -1 - near] = draw.randrange(256)
        path = tmp_path / "model.onnx"
        path.write_bytes(data)
        try:
            load(path)
        except Invalid:
            refused += 1
    assert 20 < refused < 100
