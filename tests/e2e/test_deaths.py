"""Workers and coordinators that die or freeze in each stage: one engine, nothing lost, nothing left behind."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from farm.protocol.states import BUILD_STAGES, PREPARATION_STAGES, AttemptEnd, Role, State
from farm.protocol.views import AttemptView, SubmissionView
from tests.support.waiting import until

from .fleet import LEASE_S, Fleet, ends, stage_of
from .history import LONG_S, landed, long, moment, now, seconds
from .process import Process, alive

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]

EXPIRED, PUBLISHED = AttemptEnd.EXPIRED, AttemptEnd.PUBLISHED
HOST, DEVICE = Role.HOST, Role.DEVICE
STAGES = [
    *((HOST, stage) for stage in (State.LEASED, *PREPARATION_STAGES)),
    # Who compiles needs nvcc: tests/rig/test_plugin_deaths.py.
    *((DEVICE, stage) for stage in (State.LEASED, *BUILD_STAGES) if stage is not State.COMPILING),
]
each_stage = pytest.mark.parametrize(("role", "stage"), STAGES, ids=str)


@pytest.fixture
def helper(shared: Fleet) -> Callable[[Role], Process]:
    """Does what the worker of a test does not, since that has one role only."""
    return lambda role: shared.worker(f"helper-{role}", "--roles", str(HOST if role is DEVICE else DEVICE))


def slow_worker(fleet: Fleet, name: str, role: Role, stage: State) -> Process:
    """A worker of one role for which this stage lasts."""
    return fleet.worker(name, "--roles", str(role), FARM_FAILPOINTS=long(stage))


def tried(fleet: Fleet, submission: SubmissionView, role: Role) -> tuple[AttemptView, ...]:
    """The attempts of the work of this role."""
    return fleet.preparation_attempts(submission) if role is HOST else fleet.build(submission).attempts


def one_engine(fleet: Fleet, submission: SubmissionView) -> None:
    """What holds at the end of each of these stories."""
    ended = fleet.ended(submission)
    assert [item.state for item in ended.builds] == [State.DONE], fleet.story(submission)
    assert len(fleet.engines(submission)) == 1
    assert all(item.end is not None for item in fleet.attempts(submission))
    assert ends(fleet.preparation_attempts(submission)).count(PUBLISHED) == 1
    assert ends(fleet.build(submission).attempts).count(PUBLISHED) == 1


@each_stage
def test_a_worker_is_killed_in_each_stage(
    shared: Fleet, model: Path, helper: Callable[[Role], Process], role: Role, stage: State
) -> None:
    helper(role)
    worker = slow_worker(shared, f"killed-{role}-{stage}", role, stage)
    submission = shared.submit(model)
    first = shared.in_stage(submission, stage, lambda: tried(shared, submission, role))
    worker.kill()
    worker.start()
    one_engine(shared, submission)

    lost, *_, last = tried(shared, submission, role)
    assert (lost.id, lost.end, stage_of(lost)) == (first.id, EXPIRED, stage)
    assert last.end is PUBLISHED
    assert moment(last.started_at) >= moment(str(lost.ended_at))
    assert seconds(lost) >= LEASE_S * 0.9
    # It ended with its lease, not with its stage, whatever the stages before took on a busy machine.
    begun = moment(lost.stages[-1].started_at if lost.stages else lost.started_at)
    assert (moment(str(lost.ended_at)) - begun).total_seconds() < LONG_S + LEASE_S
    # The stage lasts as long at the second try: it was a long one that the first did not see the end of.
    assert seconds(last) >= LONG_S


@each_stage
def test_the_coordinator_is_killed_in_each_stage(
    shared: Fleet, model: Path, helper: Callable[[Role], Process], role: Role, stage: State
) -> None:
    helper(role)
    slow_worker(shared, f"alone-{role}-{stage}", role, stage)
    submission = shared.submit(model)
    first = shared.in_stage(submission, stage, lambda: tried(shared, submission, role))
    killed = now()
    shared.coordinator.kill()
    shared.up()
    one_engine(shared, submission)

    # The worker held on: the same attempt ended well, and it was in that stage for as long as it was made to.
    (only,) = tried(shared, submission, role)
    assert (only.id, only.end) == (first.id, PUBLISHED)
    landed(only, stage, killed)


def test_a_worker_that_comes_back_from_the_dead_cannot_publish(
    shared: Fleet, model: Path, helper: Callable[[Role], Process]
) -> None:
    helper(DEVICE)
    frozen = slow_worker(shared, "frozen", DEVICE, State.PUBLISHING)
    submission = shared.submit(model)
    first = shared.in_stage(submission, State.PUBLISHING, lambda: tried(shared, submission, DEVICE))
    frozen.send(signal.SIGSTOP)
    shared.worker("other")
    one_engine(shared, submission)
    engine = shared.engines(submission)[0]
    assert engine.built_on == "other"

    frozen.send(signal.SIGCONT)
    until(lambda: "the lease was lost" in frozen.said(), 20.0, frozen.said())
    until(lambda: not alive(frozen.descendants()), 5.0)
    assert shared.engines(submission) == (engine,)
    lost, last = shared.build(submission).attempts
    assert (lost.id, lost.end, last.end, last.device) == (first.id, EXPIRED, PUBLISHED, "other")
    assert stage_of(lost) is State.PUBLISHING


def test_a_worker_and_its_child_freeze_in_the_midst_of_a_build(
    shared: Fleet, model: Path, helper: Callable[[Role], Process]
) -> None:
    helper(DEVICE)
    frozen = slow_worker(shared, "icy", DEVICE, State.BUILDING)
    submission = shared.submit(model)
    shared.in_stage(submission, State.BUILDING)
    below = frozen.descendants()
    for process in below:
        process.suspend()
    frozen.send(signal.SIGSTOP)
    until(lambda: shared.build(submission).attempts[0].end is EXPIRED, 20.0, shared.story(submission))
    frozen.send(signal.SIGCONT)
    # The child is still frozen: SIGTERM cannot reach it, SIGKILL does.
    until(lambda: not alive(below), 10.0, f"{alive(below)} outlived their lease")
    one_engine(shared, submission)
    lost, last = shared.build(submission).attempts
    assert (stage_of(lost), lost.end, last.end) == (State.BUILDING, EXPIRED, PUBLISHED)
    assert seconds(last) >= LONG_S


def test_both_die_at_once(shared: Fleet, model: Path, helper: Callable[[Role], Process]) -> None:
    helper(DEVICE)
    worker = slow_worker(shared, "both", DEVICE, State.BUILDING)
    submission = shared.submit(model)
    shared.in_stage(submission, State.BUILDING)
    worker.kill()
    shared.coordinator.kill()
    worker.environ.pop("FARM_FAILPOINTS")
    shared.up()
    worker.start()
    one_engine(shared, submission)
    lost, last = shared.build(submission).attempts
    assert (stage_of(lost), lost.end, last.end) == (State.BUILDING, EXPIRED, PUBLISHED)
