"""Every plugin compiles for every card with both generations of nvcc, and against every generation of TensorRT."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.tried import expect, tried
from worker.device.compile.library import inspect

from .compiling import PLUGINS, glue, kernel, library
from .names import listed
from .toolchains import GENERATIONS, NEW_CARDS, Nvcc, headers, new_nvcc, old_nvcc

HEADERS = "plugins compiled against TensorRT"
CARDS = "plugins compiled for compute capability"
COMPILERS = "plugins compiled by nvcc"
expect(HEADERS, "nothing passed; it takes headers of TensorRT, named with FARM_TEST_TENSORRT")
expect(CARDS, "nothing passed")
expect(COMPILERS, "nothing passed")

pytestmark = pytest.mark.slow

Jobs = dict[tuple[str, str], "Future[Path]"]


@pytest.fixture(scope="module")
def jobs(request: pytest.FixtureRequest) -> Iterator[Jobs]:
    """Everything that is compiled for the tests that were chosen, begun at once, on all processors."""
    new, old = new_nvcc(os.environ), old_nvcc()
    chosen = (getattr(item, "callspec", None) for item in request.session.items if item.path == request.path)
    names = {call.params["name"] for call in chosen if call is not None}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        begun: Jobs = {}
        for name in filter(names.__contains__, listed()):
            for nvcc in filter(None, (new, old)):
                begun[name, nvcc.name] = pool.submit(kernel, PLUGINS / name, nvcc)
            for generation, found in headers().items():
                begun[name, generation] = pool.submit(glue, PLUGINS / name, found, new.include)
        yield begun
        pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", listed())
def test_kernels_compile_for_every_card_of_cuda_13(name: str, jobs: Jobs) -> None:
    check_cards(name, new_nvcc(os.environ), jobs)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", listed())
def test_kernels_compile_for_volta_xavier_and_orin(name: str, jobs: Jobs) -> None:
    nvcc = old_nvcc()
    if nvcc is None:
        pytest.skip("nvcc 11.8 is not installed: Debian has it as nvidia-cuda-toolkit, in its component non-free")
    check_cards(name, nvcc, jobs)


def check_cards(name: str, nvcc: Nvcc, jobs: Jobs) -> None:
    wanted = tuple(sorted(f"{card[:-1]}.{card[-1]}" for card in nvcc.cards))
    assert sorted(inspect(jobs[name, nvcc.name].result()).code.machine) == list(wanted)
    tried(COMPILERS, nvcc.version)
    for card in wanted:
        tried(CARDS, card)


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("name", listed())
def test_glue_compiles_against_every_tensorrt(name: str, generation: str, jobs: Jobs) -> None:
    if generation not in headers():
        pytest.skip(f"there are no headers of TensorRT {generation} on this machine")
    assert jobs[name, generation].result().stat().st_size > 0
    tried(HEADERS, generation)


@pytest.mark.parametrize(
    ("generation", "exported"),
    [
        ("8.5", set()),
        ("8.6", {"getPluginCreators", "setLoggerFinder"}),
        ("10.0", {"getCreators", "setLoggerFinder"}),
        ("11.1", {"getCreators", "setLoggerFinder"}),
    ],
)
@pytest.mark.parametrize("name", listed())
def test_a_library_offers_what_tensorrt_looks_for_and_nothing_else(
    name: str, generation: str, exported: set[str], jobs: Jobs
) -> None:
    if generation not in headers():
        pytest.skip(f"there are no headers of TensorRT {generation} on this machine")
    found = inspect(library(PLUGINS / name, new_nvcc(os.environ), headers()[generation]))
    assert set(found.exported) == exported
    of_tensorrt = {symbol for symbol in found.undefined if "nvinfer" in symbol or "Plugin" in symbol}
    assert of_tensorrt == ({"getPluginRegistry"} if generation == "8.5" else set())
    assert {card.replace(".", "") for card in found.code.machine} == set(NEW_CARDS)
