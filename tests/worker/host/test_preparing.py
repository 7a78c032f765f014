"""`farm prepare` as a process."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from farm.protocol.exits import Exit
from tests.farm.cli.processes import completed
from tests.support import models
from worker.host.graph.model import Model, written
from worker.host.graph.steps import STEPS


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    path.write_bytes(models.conv_net(channels=8).SerializeToString())
    return path


def test_the_list_has_every_step() -> None:
    told = completed("prepare", "--list", "--json")
    assert told.code == Exit.DONE
    assert [row["name"] for row in json.loads(told.out)["steps"]] == list(STEPS)


def test_a_graph_goes_through_the_steps_that_a_version_needs(source: Path, tmp_path: Path) -> None:
    path = tmp_path / "prepared.onnx"
    told = completed("prepare", source, "--steps", "rename:images=x,fold", "--for", "8.5.3.1", "-o", path)
    assert told.code == Exit.DONE, told.err
    assert [line.split(":")[0] for line in told.lines[:2]] == ["rename", "fold"]
    assert [line.split(":")[0] for line in told.lines[-4:-1]] == ["bounds", "int64", "opset"]
    assert "outputs moved by at most 0" in told.lines[0]
    images = np.random.default_rng(0).random((1, 3, 16, 16), np.float32)
    expected, found = models.plain_outputs(source, {"images": images}), models.plain_outputs(path, {"x": images})
    np.testing.assert_allclose(found["logits"], expected["logits"], rtol=1e-4, atol=1e-5)
    assert sorted(item.name for item in tmp_path.iterdir()) == ["net.onnx", "prepared.onnx"]


def test_a_folder_of_pictures_makes_a_graph_of_bytes(source: Path, tmp_path: Path) -> None:
    folder, path = tmp_path / "pictures", tmp_path / "int8.onnx"
    folder.mkdir()
    draw = np.random.default_rng(1)
    for number in range(3):
        Image.fromarray(draw.integers(0, 256, (20, 24, 3), np.uint8)).save(folder / f"{number}.png")
    steps = "image_input:mean=0.5:std=0.25,default,quantize"
    told = completed("prepare", source, "--steps", steps, "--calib", folder, "-o", path, "--json")
    assert told.code == Exit.DONE, told.err
    assert [step["name"] for step in json.loads(told.out)["steps"]][-1] == "quantize"
    pixels = draw.integers(0, 256, (1, 16, 16, 3), np.uint8)
    normal = ((pixels / 255 - 0.5) / 0.25).astype(np.float32).transpose(0, 3, 1, 2)
    expected = models.plain_outputs(source, {"images": normal})["logits"]
    found = models.plain_outputs(path, {"images": pixels})["logits"]
    assert 0 < np.abs(found - expected).max() < 0.3 * np.sqrt(np.square(expected).mean())
    assert {node.op_type for node in onnx.load(str(path)).graph.node} >= {"QuantizeLinear", "DequantizeLinear"}


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "no model is named. Type farm prepare MODEL.onnx, or --list."),
        (("no.onnx",), "there is no file no.onnx"),
        (("no.onnx", "--for", "7.2"), "farm does not know TensorRT 7.2"),
    ],
)
def test_what_cannot_be_prepared_is_told_in_a_sentence(arguments: tuple[str, ...], error: str) -> None:
    told = completed("prepare", *arguments)
    assert told.code == Exit.USAGE
    assert error in told.err


def test_weights_lie_beside_the_graph_and_never_over_others(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from farm.protocol.errors import Invalid
    from worker.host.graph import weights

    monkeypatch.setattr(weights, "LARGE_BYTES", 1_000)
    monkeypatch.setattr(weights, "BIG_BYTES", 500)
    model = Model(onnx.load(str(source)), tmp_path, large=True)
    (tmp_path / "out").mkdir()
    path = tmp_path / "out" / "net.onnx"
    assert written(model, path) == [str(path), str(tmp_path / "out" / "model.weights")]
    images = {"images": np.random.default_rng(0).random((1, 3, 16, 16), np.float32)}
    expected, found = models.plain_outputs(source, images), models.plain_outputs(path, images)
    assert all(np.array_equal(found[name], array) for name, array in expected.items())
    with pytest.raises(Invalid, match="holds other weights"):
        written(model, path)
