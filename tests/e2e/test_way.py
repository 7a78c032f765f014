"""The whole way: from a submit to an answer of the engine, on each set-up that the farm runs on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.protocol.report import Verdict
from farm.protocol.states import AttemptEnd, State
from tests.support import models
from tests.support.services import Broker, Postgres

from .fleet import QUICK, Fleet, ends, fleet

pytestmark = [pytest.mark.services, pytest.mark.slow]


@pytest.fixture(params=["embedded", "without a broker", "postgres and redis"])
def any_fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    if request.param == "postgres and redis":
        postgres: Postgres = request.getfixturevalue("postgres")
        broker: Broker = request.getfixturevalue("broker")
        with postgres.database() as url, fleet(tmp_path, url, broker.database()) as made:
            yield made
        return
    with fleet(tmp_path, broker_url="none" if request.param == "without a broker" else "") as made:
        yield made


def test_a_model_goes_in_and_an_engine_comes_out(any_fleet: Fleet, silero: Path, tmp_path: Path) -> None:
    any_fleet.worker("box")
    path = silero / models.SILERO_FILE
    shapes = ("--shapes", "input:1x576,state:2x1x128", "--value", "sr=16000")
    quick = ("--duration", QUICK.duration_s, "--iterations", QUICK.iterations, "--max-cv", QUICK.max_cv_percent)
    told = any_fleet.json("submit", path, "--targets", "cpu", "--wait", *shapes, *quick)
    assert [(item["target"], item["state"]) for item in told["builds"]] == [("cpu", "done")]

    view = any_fleet.client.status(told["id"])
    assert ends(any_fleet.attempts(view)) == [AttemptEnd.PUBLISHED] * 2
    stages = [item.state for item in any_fleet.build(view).attempts[0].stages]
    assert stages == [State.BUILDING, State.VERIFYING, State.BENCHMARKING, State.PUBLISHING]
    assert all(item.child_ms > 0 for item in any_fleet.attempts(view))
    log = any_fleet.farm("logs", any_fleet.build(view).id)
    assert "-- verifying" in log.out
    assert log.code == 0
    (result,) = any_fleet.client.results(view.id)
    assert result.verification is not None
    assert result.verification.verdict is Verdict.PASSED
    assert result.benchmark is not None
    assert result.benchmark.latency is not None

    folder = tmp_path / "engine"
    assert any_fleet.farm("fetch", "silero_vad", "-o", folder).code == 0
    assert sorted(path.name for path in folder.iterdir()) == ["engine.onnx", "manifest.json", "plugins"]
    outputs = any_fleet.json("run", folder, *shapes)
    assert "output" in str(outputs)

    again = any_fleet.json("submit", path, "--targets", "cpu", "--wait", *shapes, *quick)
    assert [(item["target"], item["state"]) for item in again["builds"]] == [("cpu", "cached")]
    assert len(any_fleet.engines(view)) == 1
