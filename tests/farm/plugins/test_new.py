from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from farm.plugins.folder import read_folder
from farm.plugins.new import make_folder
from farm.protocol.errors import Conflict, Invalid


def test_a_new_plugin_is_one_and_passes_its_own_tests(tmp_path: Path) -> None:
    folder = make_folder("my_op", parent=tmp_path)
    plugin = read_folder(folder)
    assert (plugin.manifest.name, plugin.manifest.operators) == ("my_op", ("MyOp",))
    assert [item.name for item in plugin.files] == ["kernel.cu", "kernel.hpp", "plugin.cpp", "plugin.toml"]
    said = "".join(path.read_text() for path in folder.iterdir())
    assert "my_operator" not in said
    assert "MyOperator" not in said
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=str(tmp_path))
    assert done.returncode == 0, done.stdout.decode()
    assert b"passed" in done.stdout


def test_its_operator_may_have_another_name(tmp_path: Path) -> None:
    made = read_folder(make_folder("wave", "acme_Wave2", tmp_path / "a" / "b"))
    assert made.manifest.operators == ("acme_Wave2",)


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = make_folder("my_op", parent=tmp_path)
    (folder / "kernel.cu").write_text("// mine\n")
    with pytest.raises(Conflict):
        make_folder("my_op", parent=tmp_path)
    assert (folder / "kernel.cu").read_text() == "// mine\n"


@pytest.mark.parametrize(
    ("name", "operator"), [("common", None), ("My", None), ("../x", None), ("", None), ("ok", "not one"), ("ok", 'a"')]
)
def test_names_that_cannot_be_are_refused(tmp_path: Path, name: str, operator: str) -> None:
    with pytest.raises(Invalid):
        make_folder(name, operator, tmp_path)
    assert list(tmp_path.iterdir()) == []
