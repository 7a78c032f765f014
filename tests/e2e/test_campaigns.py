"""What lives on an old ONNX Runtime is built anew on a new one: compared, promoted, rolled back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.client.asks import SubmitOptions
from farm.protocol.campaigns import CampaignState, Speed
from farm.protocol.errors import NoEngine
from farm.protocol.options import BuildOptions
from farm.protocol.report import Verdict
from farm.protocol.submit import FetchAsk
from tests.support.services import Broker, Postgres

from .fleet import QUICK, Fleet, fleet
from .process import ROOT

pytestmark = [pytest.mark.services, pytest.mark.slow, pytest.mark.timeout(600)]

# Each inference of this machine takes 0.1 s longer: more than the noise of any other, on a busy machine, too.
SLOW = """
import importlib.abc, importlib.util, sys, time

class Slow(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name != "onnxruntime.capi.onnxruntime_inference_collection":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        load = spec.loader.exec_module

        def slowed(module):
            load(module)
            run = module.Session.run

            def slow(self, *given, **named):
                time.sleep(0.1)
                return run(self, *given, **named)

            module.Session.run = slow

        spec.loader.exec_module = slowed
        return spec

sys.meta_path.insert(0, Slow())
"""
SLEEP_MS = 100.0


@pytest.fixture(scope="module")
def two(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, broker: Broker, python39: Path
) -> Iterator[Fleet]:
    """An old machine, and a new one that is slow."""
    folder = tmp_path_factory.mktemp("campaigns")
    (folder / "slow").mkdir()
    (folder / "slow" / "sitecustomize.py").write_text(SLOW)
    with postgres.database() as url, fleet(folder, url, broker.database()) as made:
        made.worker("new", PYTHONPATH=os.pathsep.join((str(ROOT), str(folder / "slow"))))
        made.worker("old", "--roles", "device", python=str(python39))
        yield made


def revived(fleet_: Fleet) -> None:
    """`kill -9` of the coordinator, and another one."""
    fleet_.coordinator.kill()
    fleet_.up()


def version(fleet_: Fleet, device: str) -> str:
    (found,) = [item for item in fleet_.client.devices.show(device).facts.backends if item.name == "onnxruntime"]
    return found.version


def given(fleet_: Fleet, device: str, model: Path, key: str | None = None) -> str:
    """Where the engine was built that a device is given; why it is given none."""
    ask = FetchAsk(model.stem, fleet_.client.devices.show(device).facts, key=key)
    try:
        return fleet_.client.find_engine(ask).manifest.built_on
    except NoEngine as refused:
        return " ".join(line for row in refused.details["considered"] for line in row["refusals"])


def test_live_models_move_to_another_runtime_and_back_through_deaths_of_the_coordinator(
    two: Fleet, model: Path
) -> None:
    options = SubmitOptions(benchmark=QUICK, build=BuildOptions(backend_options={"intra_op_threads": 1}))
    two.client.submit(str(model), ["old"], options, wait=True, timeout_s=240.0)
    newer = version(two, "new")
    limit = ("--fail-if-slower", "5%")
    started = two.json("campaign", "start", "--toolchain", f"onnxruntime={newer}", "--targets", "cpu", *limit)
    campaign = started["campaign"]["id"]
    assert [item["before"]["version"] for item in started["items"]] == [version(two, "old")]
    revived(two)
    told = two.farm("campaign", "show", campaign, "--watch", "--timeout", "4m", within_s=300)
    assert told.code == 1, told.out
    assert "it is slower by" in told.out
    held = two.client.campaigns.show(campaign)
    assert held.campaign.state is CampaignState.HELD
    (item,) = held.items
    assert item.after
    assert (item.after.version, item.after.built_on, item.after.verdict) == (newer, "new", Verdict.PASSED)
    assert item.speed
    assert item.speed.speed is Speed.SLOWER
    assert item.after.latency_ms
    assert item.after.latency_ms >= SLEEP_MS

    assert f"made for {campaign}, which is not promoted" in given(two, "new", model)
    assert given(two, "new", model, two.client.engines.show(item.after.engine).engine.key) == "new"
    assert given(two, "old", model) == "old"
    refused = two.farm("campaign", "promote", campaign)
    assert (refused.code, "5 % are allowed" in refused.err) == (2, True), refused
    two.client.campaigns.promote(campaign, force=True)
    revived(two)
    assert given(two, "new", model) == "new"
    assert given(two, "old", model) == "old"
    two.client.campaigns.roll_back(campaign)
    assert "which is not promoted" in given(two, "new", model)
    assert given(two, "old", model) == "old"
