"""Real models that really kill the process which works on them: a failed build that says so, a worker that goes on.

Nothing is injected here: the memory is taken, and the crashes made, by ONNX Runtime itself. No model is known that
crashes the newest one on a device only after it came through a preparation, so the devices that crash run 1.19.2.
`test_crashes.py` has the stages that no real model reaches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import onnx
import pytest

from farm.protocol.report import Failure, FailureKind
from farm.protocol.states import State
from tests.support import deadly, models
from tests.support.services import Broker, Postgres

from .fleet import Fleet, fleet

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]

_HOST_BYTES = 3 << 30
_DEVICE_BYTES = 400 << 20
Made = Callable[[], models.Model]


@pytest.fixture(scope="module")
def farm(
    tmp_path_factory: pytest.TempPathFactory, postgres: Postgres, broker: Broker, python39: Path
) -> Iterator[Fleet]:
    """A host and two devices, of today and of the oldest kind, that have to survive everything here.

    A device may take less memory than the host, so that a model can pass the one and be too much for the other.
    """
    with postgres.database() as url, fleet(tmp_path_factory.mktemp("deadly"), url, broker.database()) as made:
        made.worker("host", "--roles", "host", FARM_WORKER_MEMORY_BYTES=str(_HOST_BYTES))
        made.worker("new", "--roles", "device", FARM_WORKER_MEMORY_BYTES=str(_DEVICE_BYTES))
        made.worker("old", "--roles", "device", python=str(python39), FARM_WORKER_MEMORY_BYTES=str(_DEVICE_BYTES))
        yield made
        for worker in made.workers.values():
            assert worker.running, worker.said()


def failed(farm: Fleet, folder: Path, made: models.Model, device: str) -> Failure:
    """Why no engine came of a model; the next build on that device must be fine."""
    path = folder / "deadly.onnx"
    onnx.save(made, str(path))
    told = farm.json("submit", path, "--targets", device, "--wait", "--no-bench", code=1)
    (build,) = told["builds"]
    assert build["state"] == "failed", build
    submission = farm.client.status(told["id"])
    failure = farm.attempts(submission)[-1].failure
    assert failure is not None, farm.story(submission)
    assert failure.message in build["reason"], build
    assert failure.reproduce is not None
    assert Path(failure.reproduce.split()[-1]).exists()
    onnx.save(models.conv_net(seed=len(farm.client.engines.list()), channels=4, blocks=1), str(folder / "next.onnx"))
    after = farm.ended(farm.submit(folder / "next.onnx", device))
    assert [item.state for item in after.builds] == [State.DONE], farm.story(after)
    return failure


def test_a_model_that_takes_more_memory_than_the_host_gives(farm: Fleet, tmp_path: Path) -> None:
    # No single value is larger than the limit: that would be refused before anything runs.
    failure = failed(farm, tmp_path, deadly.glutton(2), "new")
    assert (failure.kind, failure.stage) == (FailureKind.OUT_OF_MEMORY, State.PREPARING), failure
    assert "out of memory" in failure.message


@pytest.mark.parametrize("device", ["old", "new"])
def test_a_model_that_takes_more_memory_than_the_device_gives(farm: Fleet, tmp_path: Path, device: str) -> None:
    failure = failed(farm, tmp_path, deadly.glutton(0.4), device)
    assert (failure.kind, failure.stage) == (FailureKind.OUT_OF_MEMORY, State.BUILDING), failure
    assert "out of memory" in failure.message


@pytest.mark.parametrize(
    ("made", "device", "stage", "signal"),
    [
        (deadly.absent_argument, "new", State.PREPARING, "SIGSEGV"),
        (deadly.quantized_gains, "old", State.BUILDING, "SIGSEGV"),
        (deadly.convolution_before_branches, "old", State.BUILDING, "SIGABRT"),
    ],
)
def test_a_model_that_crashes_onnx_runtime(
    farm: Fleet, tmp_path: Path, made: Made, device: str, stage: State, signal: str
) -> None:
    failure = failed(farm, tmp_path, made(), device)
    assert (failure.kind, failure.stage, failure.signal) == (FailureKind.CRASHED, stage, signal), failure
    assert signal in failure.message


@pytest.mark.parametrize("made", [deadly.quantized_gains, deadly.convolution_before_branches])
def test_what_crashes_the_oldest_is_well_with_the_newest(farm: Fleet, tmp_path: Path, made: Made) -> None:
    onnx.save(made(), str(tmp_path / "well.onnx"))
    after = farm.ended(farm.submit(tmp_path / "well.onnx", "new"))
    assert [item.state for item in after.builds] == [State.DONE], farm.story(after)
