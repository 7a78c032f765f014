"""Every plugin of the farm in a real engine: NVIDIA's parser finds it, asks it, and its builder takes it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import onnx
import pytest

from tests.e2e.process import ROOT
from tests.plugins.cases import CASES, Case
from tests.plugins.compiling import PLUGINS, library
from tests.plugins.graph import graph
from tests.plugins.toolchains import headers, new_nvcc
from tests.support.tried import expect, tried

ENGINES = "plugins in real engines"
expect(ENGINES, "nothing passed; it takes headers of TensorRT 11, named with FARM_TEST_TENSORRT")
NEWEST = "11.1"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def environ(rig: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where the rig is found, and where its parser finds the library that it opens by a name it does not have."""
    folder = tmp_path_factory.mktemp("rtx")
    (packaged,) = rig.rglob("libtensorrt_rtx.so.1")
    (folder / "libtensorrt_rtx.so").symlink_to(packaged)
    return {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{rig}", "LD_LIBRARY_PATH": str(folder)}


def said(case: Case, folder: Path, environ: dict[str, str]) -> tuple[int, str]:
    """The exit status of a build in a folder, and what the builder said."""
    if NEWEST not in headers():
        pytest.skip(f"there are no headers of TensorRT {NEWEST} on this machine")
    made = library(PLUGINS / case.plugin, new_nvcc(os.environ), headers()[NEWEST])
    onnx.save(graph(case), str(folder / "model.onnx"))
    command = [sys.executable, "-m", "tests.rig.operator_child", str(folder), str(made)]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=300, check=False)
    return done.returncode, done.stderr


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_plugin_becomes_part_of_an_engine(case: Case, dtype: str, environ: dict[str, str], tmp_path: Path) -> None:
    code, log = said(case if dtype == "float32" else case.half(), tmp_path, environ)
    assert code == 0, log[-3000:]
    assert f"Successfully created plugin: {case.operator}" in log
    (plan,) = (tmp_path / "output").glob("*.plan")
    # What a runtime needs to make the plugin again: its name, and the attributes that it wrote down itself.
    assert case.operator.encode() in plan.read_bytes()
    assert b"farm_form" in plan.read_bytes()
    if "in_place" in case.attributes:
        # TensorRT refuses it where the builder has not enabled that feature.
        assert '"preview_features": ["ALIASED_PLUGIN_IO_10_03"]' in log
    tried(ENGINES, case.plugin)
