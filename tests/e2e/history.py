"""What the recorded attempts prove: which stage was under way at a moment, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime

from farm.protocol.states import State
from farm.protocol.views import AttemptView

LONG_S = 5.0


def long(stage: State) -> str:
    """The failpoint that makes a stage last."""
    return f"{stage}=pause:{LONG_S:g}"


def now() -> datetime:
    """This moment, to be found in a history later."""
    return datetime.now(UTC)


def moment(text: str) -> datetime:
    """A moment of a view."""
    return datetime.fromisoformat(text)


def seconds(attempt: AttemptView) -> float:
    """How long an attempt lasted."""
    assert attempt.ended_at is not None
    return (moment(attempt.ended_at) - moment(attempt.started_at)).total_seconds()


def landed(attempt: AttemptView, stage: State, *faults: datetime) -> None:
    """Fail unless every fault came while an attempt was in a stage, and that stage was a long one.

    A worker marks a stage once it hears of it, a moment after the child began it: half of the pause is proof enough.
    """
    begins = [moment(item.started_at) for item in attempt.stages if item.state is stage]
    if stage is State.LEASED:
        begins = [moment(attempt.started_at)]
    assert begins, f"never {stage}: {attempt.stages}"
    assert attempt.ended_at is not None
    later = [moment(item.started_at) for item in attempt.stages if moment(item.started_at) > begins[0]]
    end = min([*later, moment(attempt.ended_at)])
    assert (end - begins[0]).total_seconds() >= LONG_S / 2, f"{stage} was short: {attempt}"
    outside = [str(fault) for fault in faults if not begins[0] <= fault <= end]
    assert not outside, f"{stage} lasted from {begins[0]} to {end}, the faults came at {outside}"
