"""A farm whose worker finds the rig."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet, fleet
from tests.e2e.process import ROOT
from tests.plugins import toolchains

# Generations whose headers make plugins for TensorRT for RTX.
_FOR_RTX = ("10.0", "10.4", "10.16", "11.1")


@pytest.fixture(scope="session")
def ahead(tmp_path_factory: pytest.TempPathFactory, rig: Path) -> Iterator[Fleet]:
    """A coordinator and one worker on a machine without a card, on which `tensorrt_rtx` imports."""
    with fleet(tmp_path_factory.mktemp("ahead"), broker_url="none") as made:
        made.worker("box", PYTHONPATH=f"{ROOT}{os.pathsep}{rig}")
        yield made


@pytest.fixture(scope="session")
def toolchain() -> str:
    """Folders with nvcc 13 and with TensorRT's headers, as `FARM_TOOLCHAIN` names them."""
    there = [item for generation, item in toolchains.headers().items() if generation in _FOR_RTX]
    if not there:
        pytest.skip("no headers of TensorRT 10 or 11 are here; FARM_TEST_TENSORRT names a folder with them")
    nvcc = toolchains.new_nvcc(os.environ)
    return os.pathsep.join((str(nvcc.path.parents[1]), str(Path(there[-1].folder).parent)))


@pytest.fixture(scope="module")
def smithy(tmp_path_factory: pytest.TempPathFactory, rig: Path, toolchain: str) -> Iterator[Fleet]:
    """As `ahead`, with a worker `smith` that can compile plugins; a fleet of its own."""
    with fleet(tmp_path_factory.mktemp("smithy"), broker_url="none") as made:
        made.worker("smith", PYTHONPATH=f"{ROOT}{os.pathsep}{rig}", FARM_TOOLCHAIN=toolchain)
        yield made
