"""The whole farm on a machine with a card: one command, and an engine comes back that runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.protocol.options import BenchmarkPolicy
from tests.e2e.fleet import Fleet
from tests.support import models, networks

from .commands import on_the_card
from .farms import card_fleet, options, passed, saved

TARGET = "backend=tensorrt"


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A coordinator, a host, and the worker of the card."""
    with card_fleet(tmp_path_factory.mktemp("farm")) as made:
        yield made


@pytest.mark.parametrize("precision", ["fp32", "tf32", "fp16", "mix", "best"])
def test_an_engine_is_built_verified_measured_fetched_and_run(farm: Fleet, tmp_path: Path, precision: str) -> None:
    path = saved(tmp_path, f"net-{precision}", models.conv_net(size=64, channels=64))
    result = passed(farm, path, "--targets", TARGET, "--precision", precision)
    assert result.benchmark is not None
    assert set(result.benchmark.phases) == {"h2d", "compute", "d2h", "host"}

    folder = tmp_path / "engine"
    on_the_card(farm, "fetch", path.stem, "--precision", precision, "-o", folder)
    outputs = on_the_card(farm, "run", folder)
    assert {item["name"] for item in outputs["outputs"]} == {"logits", "features"}


def test_a_build_takes_a_profile_and_its_engine_every_shape_in_it(farm: Fleet, tmp_path: Path) -> None:
    path = saved(tmp_path, "open", models.conv_net(batch="n"))
    shapes = ("--minShapes=images:1x3x16x16", "--optShapes=images:4x3x16x16", "--maxShapes=images:8x3x16x16")
    passed(farm, path, "--targets", TARGET, *shapes)
    folder = tmp_path / "engine"
    on_the_card(farm, "fetch", "open", "-o", folder)
    for batch in (1, 3, 8):
        outputs = on_the_card(farm, "run", folder, "--shapes", f"images:{batch}x3x16x16")
        assert {tuple(item["shape"]) for item in outputs["outputs"]} == {(batch, 10), (batch, 32)}


def test_two_measurements_agree(farm: Fleet, tmp_path: Path) -> None:
    path = saved(tmp_path, "calm", models.conv_net(size=256, channels=128, blocks=6))
    told = farm.json("submit", path, "--targets", TARGET, *options(), "--wait")
    assert [item["state"] for item in told["builds"]] == ["done"], told
    folder = tmp_path / "engine"
    on_the_card(farm, "fetch", "calm", "-o", folder)
    policy = BenchmarkPolicy()
    found = [on_the_card(farm, "bench", folder, "--duration", policy.duration_s) for _ in range(2)]
    medians = [item["phases"]["compute"]["median_ms"] for item in found]
    assert max(medians) / min(medians) < 1.05


@pytest.mark.parametrize("precision", ["fp32", "fp16", "mix"])
def test_a_transformer_is_built_with_the_steps_that_make_it_fast(farm: Fleet, tmp_path: Path, precision: str) -> None:
    path = saved(tmp_path, f"detr-{precision}", networks.detr(64, 96, queries=8, layers=2))
    steps = ("--steps", "fold,factors,convolutions,infer_shapes,layernorm_plugin")
    passed(farm, path, "--targets", TARGET, *steps, "--precision", precision)
    folder = tmp_path / "engine"
    on_the_card(farm, "fetch", path.stem, "--precision", precision, "-o", folder)
    assert {item["name"] for item in on_the_card(farm, "run", folder)["outputs"]} == {"classes", "boxes"}
