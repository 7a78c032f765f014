"""A file is named by its content, whatever its size."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import List

import pytest

from farm.filehash import file_ref
from farm.protocol.model import FileRef

MIB = 1 << 20


@pytest.mark.parametrize("size_bytes", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB])
def test_a_file_is_hashed_whole(tmp_path: Path, size_bytes: int) -> None:
    content = (b"0123456789" * (size_bytes // 10 + 1))[:size_bytes]
    (tmp_path / "weights").write_bytes(content)
    read: List[int] = []
    found = file_ref(tmp_path / "weights", "data/weights", read.append)
    assert found == FileRef("data/weights", size_bytes, hashlib.sha256(content).hexdigest())
    assert (read[-1:], read) == ([size_bytes] if size_bytes else [], sorted(read))


def test_its_own_name_is_the_default(tmp_path: Path) -> None:
    (tmp_path / "engine.onnx").write_bytes(b"x")
    assert file_ref(tmp_path / "engine.onnx").name == "engine.onnx"


def test_what_cannot_be_read_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        file_ref(tmp_path / "nothing")
    with pytest.raises(IsADirectoryError):
        file_ref(tmp_path)
