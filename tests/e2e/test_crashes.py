"""Children that crash or eat all memory: a failed build that says so, a worker that goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.protocol.report import FailureKind
from farm.protocol.states import State

from .fleet import Fleet

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]


@pytest.mark.parametrize(
    ("fault", "kind", "told"),
    [
        ("segv", FailureKind.CRASHED, "SIGSEGV"),
        ("oom", FailureKind.OUT_OF_MEMORY, "out of memory"),
    ],
)
@pytest.mark.parametrize("stage", [State.PREPARING, State.BUILDING, State.VERIFYING], ids=str)
def test_a_child_that_crashes_or_eats_all_memory(
    shared: Fleet, model: Path, stage: State, fault: str, kind: FailureKind, told: str
) -> None:
    name = f"{fault}-{stage}"
    worker = shared.worker(name, FARM_FAILPOINTS=f"{stage}={fault}", FARM_WORKER_MEMORY_BYTES=str(1 << 30))
    submission = shared.submit(model, name)
    ended = shared.ended(submission)
    assert [(item.state, item.exit_code) for item in ended.builds] == [(State.FAILED, 1)]
    attempt = shared.attempts(submission)[-1]
    assert attempt.failure is not None
    assert (attempt.failure.kind, attempt.failure.stage) == (kind, stage)
    assert told in attempt.failure.message
    assert attempt.failure.reproduce is not None
    assert Path(attempt.failure.reproduce.split()[-1]).exists()
    assert worker.running
    # The next build of the same device is fine.
    worker.end()
    worker.environ.pop("FARM_FAILPOINTS")
    worker.start()
    shared.await_worker(worker)
    after = shared.ended(shared.submit(model, name, force=True))
    assert [item.state for item in after.builds] == [State.DONE], shared.story(after)
