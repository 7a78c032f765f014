"""The builder `trtexec` on a card, with NVIDIA's own program: a whole farm builds, verifies, measures and fetches.

The program is found in PATH or where TensorRT puts it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.fleet import Fleet
from tests.support import models
from tests.support.waiting import until

from .commands import on_the_card
from .farms import card_fleet, options, passed, saved
from .networks import export

TARGET = ("--targets", "backend=trtexec")
OWN = ("--option", "ownBenchmark=true")


@pytest.fixture(scope="module")
def trtexec_farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A coordinator, a host, and the worker of the card, which offers trtexec."""
    with card_fleet(tmp_path_factory.mktemp("farm")) as made:
        yield made


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_resnet50_is_built_verified_measured_and_fetched(trtexec_farm: Fleet, tmp_path: Path, precision: str) -> None:
    farm, path = trtexec_farm, export("resnet50", tmp_path)
    own = passed(farm, path, *TARGET, *OWN, "--precision", precision).benchmark
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
    result = passed(farm, path, *TARGET, "--precision", precision)
    assert result.benchmark is not None
    assert result.benchmark.latency is None
    assert "ownBenchmark" in result.benchmark.reason


def test_a_profile_is_built_and_verified_in_it(trtexec_farm: Fleet, tmp_path: Path) -> None:
    farm, path = trtexec_farm, saved(tmp_path, "open", models.conv_net(batch="n"))
    shapes = ("--minShapes=images:1x3x16x16", "--optShapes=images:4x3x16x16", "--maxShapes=images:8x3x16x16")
    passed(farm, path, *TARGET, *shapes)


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
