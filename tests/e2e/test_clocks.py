"""Locked clocks, asked for where there is no card: the child asks its worker, and says what it was told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.protocol.exits import Exit

from .fleet import QUICK, Fleet, fleet, net

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    with fleet(tmp_path_factory.mktemp("clocks"), broker_url="none") as made:
        made.worker("box", FARM_LOCK_CLOCKS="yes")
        yield made


def _submitted(farm: Fleet, path: Path, how: str, code: Exit) -> tuple[dict[str, object], str]:
    quick = ("--duration", QUICK.duration_s, "--iterations", QUICK.iterations, "--max-cv", QUICK.max_cv_percent)
    told = farm.json("submit", path, "--targets", "cpu", "--wait", "--lock-clocks", how, *quick, code=code)
    (item,) = told["builds"]
    (measured, *_) = farm.client.engines.show(item["engine"]).benchmarks
    assert measured.policy.lock_clocks == how
    return dict(measured.evidence["clocks"]), json.dumps(item["benchmark"])


def test_what_cannot_be_locked_is_told_and_where_it_is_required_there_is_no_time(farm: Fleet, tmp_path: Path) -> None:
    path = net(tmp_path)
    clocks, benchmark = _submitted(farm, path, "auto", Exit.DONE)
    assert clocks == {"locked": False, "reason": "there is no card whose clocks could be locked"}
    assert json.loads(benchmark)["median_ms"] > 0
    clocks, benchmark = _submitted(farm, path, "require", Exit.TOO_NOISY)
    assert clocks["locked"] is False
    refused = json.loads(benchmark)
    assert refused["median_ms"] is None
    assert refused["reason"].endswith("and are not: there is no card whose clocks could be locked")
