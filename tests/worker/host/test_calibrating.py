"""A folder of pictures becomes samples that fit what a graph takes after its steps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from farm.client import SubmitOptions
from farm.protocol.errors import Invalid
from farm.protocol.exits import Exit
from farm.protocol.options import BuildOptions, ShapeRange
from farm.runtime.arrays import load_arrays, save_arrays
from tests.farm.cli.processes import completed
from tests.support import models
from worker.calibrating import write

AS_IT_CAME = SubmitOptions()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "net.onnx"
    onnx.save(models.conv_net(batch="n"), str(path))
    return path


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    folder = tmp_path / "pictures"
    folder.mkdir()
    for number in range(3):
        pixels = np.full((20, 24, 3), (10 * number, 100, 200), np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def test_samples_have_the_shape_that_engines_are_tuned_for(source: Path, pictures: Path, tmp_path: Path) -> None:
    tuned = {"images": ShapeRange((1, 3, 16, 16), (2, 3, 16, 16), (4, 3, 16, 16))}
    options = replace(AS_IT_CAME, build=BuildOptions(profiles=(tuned,)))
    assert write(source, pictures, tmp_path / "a.npz", options) == 3
    images = load_arrays(tmp_path / "a.npz")["images"]
    assert (images.shape, images.dtype) == ((3, 2, 3, 16, 16), np.float32)
    np.testing.assert_allclose(images[:, 1, 0].mean((1, 2)), np.array([0, 10, 20]) / 255, rtol=1e-6)
    write(source, pictures, tmp_path / "again.npz", options)
    assert (tmp_path / "again.npz").read_bytes() == (tmp_path / "a.npz").read_bytes()


@pytest.mark.parametrize(("order", "last"), [("rgb", 200), ("bgr", 20)])
def test_a_graph_that_takes_bytes_gets_them(
    source: Path, pictures: Path, tmp_path: Path, order: str, last: int
) -> None:
    steps = (f"image_input:mean=0.5:std=0.25:order={order}", "default")
    write(source, pictures, tmp_path / "a.npz", replace(AS_IT_CAME, steps=steps))
    images = load_arrays(tmp_path / "a.npz")["images"]
    assert (images.shape, images.dtype) == ((3, 1, 16, 16, 3), np.uint8)
    assert images[2, 0, 0, 0, 2] == last


def test_samples_of_two_shapes_are_refused(source: Path, tmp_path: Path) -> None:
    folder = tmp_path / "samples"
    folder.mkdir()
    for images in (1, 2):
        save_arrays(folder / f"{images}.npz", {"images": np.zeros((images, 3, 16, 16), np.float32)})
    with pytest.raises(Invalid, match=r"of 'images' have the shapes \(1, 3, 16, 16\) and \(2, 3, 16, 16\)"):
        write(source, folder, tmp_path / "a.npz", AS_IT_CAME)


def test_what_cannot_be_is_told_before_anything_is_sent(source: Path, pictures: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for arguments, error in (
        ((source, "--calib", tmp_path / "empty"), "holds no samples. Put pictures or .npz files there."),
        (("--clone", "sub-1", "--calib", pictures), "take the size of the model's input. Name the ONNX file, too."),
    ):
        told = completed("submit", *arguments, "-t", "cpu", "--int8", "--url", "http://127.0.0.1:9", "--token", "x")
        assert told.code == Exit.USAGE, told.err
        assert error in told.err
