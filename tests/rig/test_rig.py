"""The rig itself: what it must do before any test of a builder means something."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

from .rig import VERSION

_BUILD = """
import sys
import tensorrt_rtx as trt
sys.path[:0] = [sys.argv[1]]
from tests.support import models
logger = trt.Logger(trt.Logger.ERROR)
builder = trt.Builder(logger)
network = builder.create_network(0)
parser = trt.OnnxParser(network, logger)
assert parser.parse(models.conv_net().SerializeToString())
plan = builder.build_serialized_network(network, builder.create_builder_config())
print(trt.__version__, plan.nbytes)
"""


def test_the_rig_builds_an_engine_where_nothing_but_the_search_path_is_set(rig: Path) -> None:
    checkout = str(Path(__file__).parents[2])
    command = [sys.executable, "-c", _BUILD, checkout]
    told = subprocess.run(command, env={"PYTHONPATH": str(rig)}, capture_output=True, text=True, check=True)
    version, size = told.stdout.split()
    assert version == VERSION
    assert int(size) > 50000


def test_the_version_of_the_package_is_that_of_the_core(rig: Path) -> None:
    core = ctypes.CDLL(str(rig / "tensorrt_rtx_libs/libtensorrt_rtx.so.1"))
    parts = [getattr(core, f"getInferLib{part}Version")() for part in ("Major", "Minor", "Patch", "Build")]
    assert ".".join(map(str, parts)) == VERSION
