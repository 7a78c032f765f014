from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farm.protocol.errors import Invalid
from farm.runtime.arrays import save_arrays
from worker.host.samples import samples_in

NCHW = {"images": np.zeros((2, 3, 8, 12), np.float32), "n": np.array(4)}
NHWC = {"images": np.zeros((1, 8, 12, 3), np.uint8)}


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    red = np.zeros((16, 24, 3), np.uint8)
    red[..., 0] = 200
    Image.fromarray(red).save(tmp_path / "red.png")
    Image.fromarray(red[..., 0]).save(tmp_path / "grey.jpg")
    return tmp_path


def test_pictures_come_in_the_size_and_type_of_the_input(pictures: Path) -> None:
    grey, red = samples_in(pictures, NCHW)
    assert red["n"] == 4
    assert (red["images"].shape, red["images"].dtype) == ((2, 3, 8, 12), np.float32)
    np.testing.assert_allclose(red["images"][:, 0], 200 / 255, rtol=1e-6)
    assert not red["images"][:, 1:].any()
    np.testing.assert_allclose(grey["images"], 200 / 255, atol=2 / 255)
    _, pixels = samples_in(pictures, NHWC)
    assert pixels["images"].dtype == np.uint8
    assert pixels["images"][0, 0, 0].tolist() == [200, 0, 0]


def test_arrays_are_one_sample_a_file_or_stacked_in_one(tmp_path: Path) -> None:
    one = np.ones((2, 3, 8, 12), np.float32)
    (tmp_path / "folder").mkdir()
    save_arrays(tmp_path / "folder" / "a.npz", {"images": one})
    save_arrays(tmp_path / "stacked.npz", {"images": np.stack([one, 2 * one]), "n": np.array([1, 7])})
    (alone,) = samples_in(tmp_path / "folder", NCHW)
    assert (alone["images"].max(), alone["n"]) == (1, 4)
    assert [(item["images"].max(), item["n"]) for item in samples_in(tmp_path / "stacked.npz", NCHW)] == [
        (1, 1),
        (2, 7),
    ]


def test_what_fits_no_input_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "a.png").write_bytes(b"no picture")
    save_arrays(tmp_path / "odd.npz", {"image": np.zeros((1, 2))})
    save_arrays(tmp_path / "uneven.npz", {"images": np.zeros((1, 2)), "n": np.zeros(3)})
    for name, told in (
        ("empty", "holds no samples"),
        ("broken", "a.png is no picture"),
        ("odd.npz", "sample 0 of odd.npz has 'image'"),
        ("uneven.npz", "the same samples of each input"),
    ):
        with pytest.raises(Invalid, match=told):
            list(samples_in(tmp_path / name, NCHW))
    with pytest.raises(Invalid, match="0 inputs take pictures"):
        list(samples_in(tmp_path / "broken", {"n": np.array(4)}))
