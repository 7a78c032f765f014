"""Folders of plugins for tests that look at no compiler: real files that nobody compiles."""

from __future__ import annotations

from pathlib import Path

MANIFEST = """\
name = "{name}"
version = "1"
purpose = "Twice its input."
operators = [{operators}]
minimum_tensorrt = "{minimum}"

[[inputs]]
name = "x"
dtypes = ["float32"]

[[outputs]]
name = "y"
dtypes = ["same"]

[[attributes]]
name = "factor"
type = "float"
default = 2.0
"""


def write_plugin(
    root: Path, name: str, operators: tuple[str, ...] = (), minimum: str = "8.5", kernel: str = "// twice\n"
) -> Path:
    """The folder of a plugin in `root`; its operators are called as it is, unless told."""
    folder = root / name
    folder.mkdir(parents=True, exist_ok=True)
    quoted = ", ".join(f'"{operator}"' for operator in operators or (name,))
    (folder / "plugin.toml").write_text(MANIFEST.format(name=name, operators=quoted, minimum=minimum))
    (folder / "kernel.cu").write_text(kernel)
    (folder / "plugin.cpp").write_text('#include "kernel.hpp"\n')
    (folder / "README.md").write_text("Twice its input.\n")
    (folder / "reference.py").write_text("def reference(inputs, attributes):\n    return [inputs[0] * 2]\n")
    return folder


def write_shipped(root: Path) -> Path:
    """A folder as farm ships one: what plugins share, and the plugin `cummax`."""
    (root / "common").mkdir(parents=True)
    (root / "CMakeLists.txt").write_text("project(farm_plugins)\n")
    (root / "common" / "launch.cuh").write_text("#pragma once\n")
    write_plugin(root, "cummax")
    return root
