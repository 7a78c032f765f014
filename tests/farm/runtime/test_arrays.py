from __future__ import annotations

import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.protocol.errors import Invalid, NotFound
from farm.runtime.arrays import load_arrays, save_arrays

ARRAYS = {
    "x": np.arange(6, dtype=np.float32).reshape(2, 3),
    "a/b:0": np.array(7),
    "file": np.array([True, False]),
    "": np.zeros((0, 3), np.float16),
}


def test_arrays_survive_the_way_to_disk_and_back(tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.npz", ARRAYS)
    loaded = load_arrays(tmp_path / "a.npz")
    assert list(loaded) == list(ARRAYS)
    for name, array in ARRAYS.items():
        assert loaded[name].dtype == array.dtype
        assert loaded[name].shape == array.shape
        assert np.array_equal(loaded[name], array)


def test_numpy_reads_what_is_saved_and_its_files_are_read(tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.npz", {"x": ARRAYS["x"]})
    assert np.array_equal(np.load(str(tmp_path / "a.npz"))["x"], ARRAYS["x"])
    np.savez_compressed(str(tmp_path / "b.npz"), x=ARRAYS["x"].T, y=ARRAYS["x"].astype(">f8"))
    loaded = load_arrays(tmp_path / "b.npz")
    assert np.array_equal(loaded["x"], ARRAYS["x"].T)
    assert loaded["y"].dtype.isnative


def test_equal_arrays_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_arrays(tmp_path / name, ARRAYS)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


class Trap:
    def __reduce__(self) -> Any:
        return (pytest.fail, ("a pickle was loaded",))


def test_python_objects_are_never_loaded(tmp_path: Path) -> None:
    np.savez(str(tmp_path / "a.npz"), x=np.array([Trap()], dtype=object))
    with pytest.raises(Invalid, match="cannot be read"):
        load_arrays(tmp_path / "a.npz")
    with zipfile.ZipFile(str(tmp_path / "b.npz"), "w") as archive:
        archive.writestr("x.npy", pickle.dumps(Trap()))
    with pytest.raises(Invalid, match="cannot be read"):
        load_arrays(tmp_path / "b.npz")


def test_what_is_no_archive_of_numbers_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    with pytest.raises(NotFound):
        load_arrays(path)
    np.save(str(tmp_path / "single.npy"), ARRAYS["x"])
    np.savez(str(tmp_path / "words.npz"), x=np.array(["a"]))
    save_arrays(path, ARRAYS)
    torn = path.read_bytes()
    (tmp_path / "torn.npz").write_bytes(torn[: len(torn) // 2])
    (tmp_path / "changed.npz").write_bytes(torn.replace(ARRAYS["x"].tobytes(), b"\1" * ARRAYS["x"].nbytes))
    (tmp_path / "text.npz").write_text("x = 1")
    for name in ("single.npy", "words.npz", "torn.npz", "changed.npz", "text.npz"):
        with pytest.raises(Invalid):
            load_arrays(tmp_path / name)


def test_a_header_that_lies_about_its_shape_is_refused(tmp_path: Path) -> None:
    save_arrays(tmp_path / "a.npz", {"x": ARRAYS["x"]})
    with zipfile.ZipFile(str(tmp_path / "a.npz")) as archive:
        member = archive.read("x.npy").replace(b"(2, 3)", b"(9, 9)")
    with zipfile.ZipFile(str(tmp_path / "b.npz"), "w") as archive:
        archive.writestr("x.npy", member)
    with pytest.raises(Invalid):
        load_arrays(tmp_path / "b.npz")
