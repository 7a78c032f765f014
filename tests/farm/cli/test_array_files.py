from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.cli.array_files import ArrayFile, array_files, read, samples, write
from farm.protocol.engine import TensorSpec
from farm.protocol.errors import Invalid, NotFound

SPECS = (TensorSpec("images", "float32", (2, 3)), TensorSpec("rate", "int64", ()))
IMAGES = np.arange(6, dtype=np.float32).reshape(2, 3)


def test_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd=name.npz").touch()
    assert array_files(["a.npz", "images=a.npy", "in/x=b=c.raw", "odd=name.npz", "a="]) == (
        ArrayFile("", Path("a.npz")),
        ArrayFile("images", Path("a.npy")),
        ArrayFile("in/x", Path("b=c.raw")),
        ArrayFile("", Path("odd=name.npz")),
        ArrayFile("", Path("a=")),
    )


def test_every_form_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    np.savez(tmp_path / "all.npz", images=IMAGES, rate=np.int64(3))
    np.save(tmp_path / "images.npy", IMAGES)
    IMAGES.astype("<f4").tofile(tmp_path / "images.raw")
    np.array(3, "<i8").tofile(tmp_path / "rate.bin")
    for words in (
        ["all.npz"],
        ["images=images.npy", "rate=rate.bin"],
        ["images=images.raw", "rate=rate.bin"],
    ):
        files = array_files(
            [word.replace("=", f"={tmp_path}/") if "=" in word else f"{tmp_path}/{word}" for word in words]
        )
        found = read(files, SPECS, {})
        np.testing.assert_array_equal(found["images"], IMAGES)
        assert (found["images"].dtype, found["rate"].dtype, found["rate"].shape) == ("float32", "int64", ())
        assert found["rate"] == 3


def test_an_only_input_needs_no_name_and_one_open_axis_no_shape(tmp_path: Path) -> None:
    IMAGES.tofile(tmp_path / "x.raw")
    spec = (TensorSpec("x", "float32", (-1, 3)),)
    np.testing.assert_array_equal(read(array_files([str(tmp_path / "x.raw")]), spec, {})["x"], IMAGES)
    open_axes = (TensorSpec("x", "float32", (-1, -1)),)
    with pytest.raises(Invalid, match="several axes of 'x' are open"):
        read(array_files([str(tmp_path / "x.raw")]), open_axes, {})
    assert read(array_files([str(tmp_path / "x.raw")]), open_axes, {"x": (3, 2)})["x"].shape == (3, 2)


@pytest.mark.parametrize(
    ("words", "error", "said"),
    [
        (["none.npz"], NotFound, "there is no file"),
        (["images=none.npy"], NotFound, "there is no file"),
        (["images=none.raw"], NotFound, "there is no file"),
        (["a.npy"], Invalid, "has one array, and the engine has 2 inputs"),
        (["other=a.npy"], Invalid, "no input 'other'. Its inputs are images, rate"),
        (["images=a.npy", "images=a.npy"], Invalid, "'images' is given twice"),
        (["images=text.npy"], Invalid, "text.npy cannot be read as an array"),
        (["images=objects.npy"], Invalid, "objects.npy cannot be read as an array"),
        (["images=strings.npy"], Invalid, "'strings' is <U1"),
        (["images=short.raw"], Invalid, "short.raw has 20 bytes, which are no 2x3 of float32"),
        (["images=odd.raw"], Invalid, "odd.raw has 25 bytes"),
    ],
)
def test_what_cannot_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, error: Any, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    np.save("a.npy", IMAGES)
    np.save("objects.npy", np.array([{}], object), allow_pickle=True)
    np.save("strings.npy", np.array(["a"]))
    Path("text.npy").write_text("text")
    Path("short.raw").write_bytes(bytes(20))
    Path("odd.raw").write_bytes(bytes(25))
    with pytest.raises(error, match=said):
        read(array_files(words), SPECS, {})


def test_every_form_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    arrays = {"images": IMAGES, "rate": np.array(3, np.int64)}
    write(array_files(["all.npz", "images=i.npy", "rate=r.raw"]), arrays)
    for words in (["all.npz"], ["images=i.npy", "rate=r.raw"]):
        found = read(array_files(words), SPECS, {})
        for name, array in arrays.items():
            np.testing.assert_array_equal(found[name], array)
    assert Path("r.raw").read_bytes() == b"\3" + bytes(7)
    write(array_files(["one.npy"]), {"rate": arrays["rate"]})
    assert np.load("one.npy") == 3
    with pytest.raises(Invalid, match="no output 'other'"):
        write(array_files(["other=x.npy"]), arrays)
    with pytest.raises(Invalid, match=r"cannot write nowhere/x\.npy: No such file"):
        write(array_files(["rate=nowhere/x.npy"]), arrays)


def test_a_folder_without_samples_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"holds no \.npz file"):
        samples(tmp_path)
    for name in ("b.npz", "a.npz", "c.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in samples(tmp_path)] == ["a.npz", "b.npz"]
