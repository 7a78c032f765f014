"""The network between a worker and its coordinator: cut, silent, and so bad that no connection lives long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.protocol.states import AttemptEnd, State
from tests.support.waiting import until
from tests.support.wire import Wire, wire

from .fleet import LEASE_S, Fleet, ends
from .history import landed, long, moment, now, seconds
from .test_storage import heavy

pytestmark = [pytest.mark.services, pytest.mark.fault, pytest.mark.slow]

_MIB = 1 << 20


@pytest.fixture
def far(shared: Fleet) -> Iterator[Wire]:
    """The network of a worker that is far away."""
    with wire(shared.port) as made:
        yield made


def passes(since: float) -> bool:
    return (now().timestamp() - since) > LEASE_S / 3


def test_a_cut_that_is_shorter_than_a_lease_changes_nothing(shared: Fleet, model: Path, far: Wire) -> None:
    worker = shared.worker("far", FARM_URL=f"http://127.0.0.1:{far.port}", FARM_FAILPOINTS=long(State.BUILDING))
    submission = shared.submit(model)
    first = shared.in_stage(submission, State.BUILDING)
    far.cut()
    cut = now()
    until(lambda: passes(cut.timestamp()))
    far.mend()
    mended = now()
    ended = shared.ended(submission)
    assert [item.state for item in ended.builds] == [State.DONE], shared.story(submission)
    (only,) = shared.build(submission).attempts
    assert (only.id, only.end) == (first.id, AttemptEnd.PUBLISHED)
    landed(only, State.BUILDING, cut, mended)
    assert far.broken > 0
    shared.retire(worker)


def test_a_silence_that_is_longer_than_a_lease_ends_the_build_there(shared: Fleet, model: Path, far: Wire) -> None:
    worker = shared.worker("mute", FARM_URL=f"http://127.0.0.1:{far.port}", FARM_FAILPOINTS=long(State.BUILDING))
    submission = shared.submit(model)
    first = shared.in_stage(submission, State.BUILDING)
    far.silence()
    silent = now()
    until(lambda: shared.build(submission).attempts[0].end is AttemptEnd.EXPIRED, 30.0, shared.story(submission))
    other = shared.worker("near")
    ended = shared.ended(submission)
    assert [item.state for item in ended.builds] == [State.DONE], shared.story(submission)
    far.mend()
    until(lambda: "the lease was lost" in worker.said(), 60.0, worker.said())
    lost, last = shared.build(submission).attempts
    assert (lost.id, last.end, last.device) == (first.id, AttemptEnd.PUBLISHED, "near")
    landed_at = moment(str(lost.stages[-1].started_at))
    assert landed_at <= silent
    assert seconds(lost) >= LEASE_S * 0.9
    assert len(shared.engines(submission)) == 1
    shared.retire(worker)
    shared.retire(other)


def test_connections_that_never_live_long_are_taken_up_again(shared: Fleet, tmp_path: Path, far: Wire) -> None:
    """Model and engine are several times larger than what one connection carries."""
    model = heavy(tmp_path, 4 * _MIB, seed=21)
    worker = shared.worker("brittle", FARM_URL=f"http://127.0.0.1:{far.port}")
    far.break_after(_MIB)
    ended = shared.ended(shared.submit(model))
    assert [item.state for item in ended.builds] == [State.DONE], shared.story(ended)
    assert far.broken >= 6, f"{far.broken} of {far.carried} connections broke"
    assert ends(shared.attempts(ended)) == [AttemptEnd.PUBLISHED] * 2
    shared.retire(worker)
