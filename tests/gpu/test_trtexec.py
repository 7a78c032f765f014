"""The builder `trtexec` on a card, with NVIDIA's own program: a whole farm builds, verifies, measures and fetches.

The program is found in PATH or where TensorRT puts it; the worker of the card may need another Python than the
coordinator: `FARM_GPU_PYTHON` names it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.protocol.report import Verdict
from tests.e2e.fleet import Fleet, fleet
from tests.support import models
from tests.support.waiting import until

from .networks import export
from .test_farm import SHORT, on_the_card, options, saved

PYTHON = os.environ.get("FARM_GPU_PYTHON", sys.executable)
TARGET = ("--targets", "backend=trtexec")
OWN = ("--option", "ownBenchmark=true")


@pytest.fixture(scope="module")
def trtexec_farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A coordinator, a host, and the worker of the card, which offers trtexec."""
    with fleet(tmp_path_factory.mktemp("farm")) as made:
        made.worker("host", "--roles", "host")
        made.worker("card", "--roles", "device", python=PYTHON)
        yield made


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_resnet50_is_built_verified_measured_and_fetched(trtexec_farm: Fleet, tmp_path: Path, precision: str) -> None:
    farm, path = trtexec_farm, export("resnet50", tmp_path)
    told = farm.json("submit", path, *TARGET, *options(), *OWN, "--precision", precision, "--wait", *SHORT)
    assert [item["state"] for item in told["builds"]] == ["done"], told
    (result,) = farm.client.results(told["id"])
    assert result.verification is not None
    assert result.verification.verdict is Verdict.PASSED
    own = result.benchmark
    assert own is not None
    assert own.method == "trtexec"
    assert own.latency is not None
    assert set(own.phases) == {"h2d", "compute", "d2h"}
    assert own.layers

    folder = tmp_path / "engine"
    on_the_card(farm, "fetch", path.stem, "--precision", precision, "-o", folder)
    assert {item.name for item in folder.iterdir()} >= {"engine.plan", "tensors.json", "manifest.json"}
    # The binding is the other door to one runtime, and times what the program built.
    outputs = on_the_card(farm, "run", folder)
    assert outputs["outputs"]
    ours = on_the_card(farm, "bench", folder, "--duration", "1", "--max-cv", "50")
    assert ours["method"] == "farm"
    compute_ms = (ours["phases"]["compute"]["median_ms"], own.phases["compute"].median_ms)
    assert max(compute_ms) / min(compute_ms) < 1.25


@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16", "mix", "best"])
def test_an_engine_is_verified_and_not_timed_unless_asked(trtexec_farm: Fleet, tmp_path: Path, precision: str) -> None:
    farm, path = trtexec_farm, saved(tmp_path, f"small-{precision}", models.conv_net(size=64, channels=64))
    told = farm.json("submit", path, *TARGET, *options(), "--precision", precision, "--wait", *SHORT)
    assert [item["state"] for item in told["builds"]] == ["done"], told
    (result,) = farm.client.results(told["id"])
    assert result.verification is not None
    assert result.verification.verdict is Verdict.PASSED
    assert result.benchmark is not None
    assert result.benchmark.latency is None
    assert "ownBenchmark" in result.benchmark.reason


def test_a_profile_is_built_and_verified_in_it(trtexec_farm: Fleet, tmp_path: Path) -> None:
    farm, path = trtexec_farm, saved(tmp_path, "open", models.conv_net(batch="n"))
    shapes = ("--minShapes=images:1x3x16x16", "--optShapes=images:4x3x16x16", "--maxShapes=images:8x3x16x16")
    told = farm.json("submit", path, *TARGET, *options(), *shapes, "--wait", *SHORT)
    assert [item["state"] for item in told["builds"]] == ["done"], told
    (result,) = farm.client.results(told["id"])
    assert result.verification is not None
    assert result.verification.verdict is Verdict.PASSED


def test_a_cancel_ends_the_program(trtexec_farm: Fleet, tmp_path: Path) -> None:
    farm, path = trtexec_farm, export("resnet50", tmp_path)
    told = farm.json("submit", path, *TARGET, *options(), "--precision", "fp16", "--option", "avgTiming=64")
    until(lambda: running(), 180)
    farm.client.cancel(told["id"])
    until(lambda: not running(), 10)


def running() -> list[str]:
    """Processes of trtexec on this machine."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name = (entry / "comm").read_text().strip()
            except OSError:
                continue
            if name == "trtexec":
                found.append(entry.name)
    return found
