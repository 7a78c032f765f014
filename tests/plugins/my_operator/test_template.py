"""What a new plugin begins with is held to what those of farm are: sanitizers for kernels, every TensorRT for glue."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from farm.plugins.new import make_folder
from tests.plugins.compiling import glue, kernel
from tests.plugins.cpu.kernels import Kernels, Output
from tests.plugins.toolchains import headers, new_nvcc
from worker.device.compile.library import inspect


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_folder("my_operator", parent=tmp_path_factory.mktemp("plugins"))


@pytest.fixture(scope="module")
def kernels(folder: Path) -> Iterator[Kernels]:
    with Kernels(folder / "kernel.cu", Path(__file__).with_name("binding.cpp")) as found:
        yield found


def reference(folder: Path, *arguments: Any) -> list[Any]:
    spec = importlib.util.spec_from_file_location("reference_of_template", folder / "reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made: list[Any] = module.reference(*arguments)
    return made


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-6), ("float16", 1e-3)])
@pytest.mark.parametrize("count", [0, 1, 255, 257, 4099])
def test_its_kernel_is_as_its_reference(
    folder: Path, kernels: Kernels, count: int, dtype: str, tolerance: float
) -> None:
    given = np.random.default_rng(count).normal(0, 4, count).astype(dtype)
    (found,) = kernels.call(f"my_operator_{dtype}", given, Output((count,), dtype), count, 1.5, None)
    (wanted,) = reference(folder, [given], {"scale": 1.5})
    np.testing.assert_allclose(found.astype(float), wanted.astype(float), rtol=tolerance, atol=tolerance)


def test_its_kernel_compiles_for_every_card_of_the_newest_cuda(folder: Path) -> None:
    nvcc = new_nvcc(os.environ)
    machine = inspect(kernel(folder, nvcc)).code.machine
    assert {card.replace(".", "") for card in machine} == set(nvcc.cards)


def test_its_glue_compiles_against_every_tensorrt_here(folder: Path) -> None:
    if not headers():
        pytest.skip("there are no headers of TensorRT on this machine: name their folder with FARM_TEST_TENSORRT")
    for found in headers().values():
        assert glue(folder, found, new_nvcc(os.environ).include).is_file()
