from __future__ import annotations

from dataclasses import replace

import pytest

from farm.protocol.errors import Conflict, Invalid, LeaseLost
from farm.protocol.model import FileRef
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.report import FailureKind, Verdict
from farm.protocol.requirement import requirement_from_target
from farm.protocol.states import AttemptEnd, Role, State
from farm.protocol.work import Claim
from orchestrator.queue.no_wakeups import NoWakeups
from orchestrator.services import build_views, fleet, reconciler, submissions
from tests.support.coordinator import Coordinator, cpu_facts, gpu_facts


def ends(farm: Coordinator, claim: Claim) -> list[AttemptEnd | None]:
    assert claim.build
    return [item.end for item in build_views.show(farm.context, claim.build.build).attempts]


def test_one_lease_a_slot_and_one_lease_a_build(farm: Coordinator) -> None:
    box, twin = farm.enrol(), farm.enrol("twin", cpu_facts("box"))
    farm.submit()
    claim = box.claim_build()
    assert box.claim() is None
    assert twin.claim() is None
    box.publish(claim)
    assert ends(farm, claim) == [AttemptEnd.PUBLISHED]


def test_a_claim_asked_twice_gets_the_same_lease(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    first, again = box.claim("n1"), box.claim("n1")
    assert first == again
    assert first
    box.prepare(first)
    assert box.claim("n1") is None, "an ended lease is not given again"


def test_a_wake_up_delivered_five_times_builds_once(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    preparing = box.claim()
    assert preparing
    box.prepare(preparing)
    hint = submission.builds[0].build
    claims = [box.claim(hint=hint) for _ in range(5)]
    assert [item is not None for item in claims] == [True, False, False, False, False]
    assert claims[0]
    box.publish(claims[0])
    assert [box.claim(hint=hint) for _ in range(5)] == [None] * 5
    assert len(ends(farm, claims[0])) == 1


def test_a_lease_that_is_beaten_lives_and_a_silent_one_goes_back(farm: Coordinator) -> None:
    box, twin = farm.enrol(), farm.enrol("twin", cpu_facts("box"))
    farm.submit()
    claim = box.claim_build()
    for _ in range(5):
        farm.clock.pass_s(50)
        assert not box.beat(claim).cancel
        assert farm.reconcile().expired == 0
    farm.clock.pass_s(61)
    assert farm.reconcile().expired == 1
    second = twin.claim()
    assert second
    assert second.lease.token == claim.lease.token + 1
    for zombie in (box.beat, box.publish, box.fail, lambda held: box.stage(held, State.BUILDING)):
        with pytest.raises(LeaseLost):
            zombie(claim)
    twin.publish(second)
    assert ends(farm, claim) == [AttemptEnd.EXPIRED, AttemptEnd.PUBLISHED]


def test_a_worker_cannot_speak_for_another_ones_lease(farm: Coordinator) -> None:
    box, thief = farm.enrol(), farm.enrol("thief", gpu_facts(), slots=("gpu0",))
    farm.submit()
    claim = box.claim_build()
    for steal in (thief.beat, thief.publish, thief.fail, thief.release):
        with pytest.raises(LeaseLost):
            steal(claim)


def test_work_that_silences_five_workers_fails_and_the_device_does_not_pay(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    claim = box.claim_build()
    for _ in range(4):
        farm.clock.pass_s(61)
        farm.reconcile()
        again = box.claim()
        assert again
        assert again.build
    farm.clock.pass_s(61)
    farm.reconcile()
    assert (farm.states(submission), len(ends(farm, claim))) == ([State.FAILED], 5)
    assert "fell silent 5 times" in farm.show(submission).builds[0].reason
    farm.submit(b"another model")
    assert box.claim() is not None


def test_a_device_that_loses_different_work_again_and_again_rests(farm: Coordinator) -> None:
    box = farm.enrol(roles=(Role.HOST,))
    farm.enrol("builder", roles=(Role.DEVICE,))
    for content in (b"one", b"two", b"three", b"four"):
        farm.submit(content)
    for _ in range(3):
        claim = box.claim()
        assert claim
        assert claim.preparation
        farm.clock.pass_s(61)
        farm.reconcile()
    lost = [box.claim() is None]
    farm.clock.pass_s(301)
    assert (lost, box.claim() is not None) == ([True], True)


def test_publishing_twice_is_publishing_once(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    claim = box.claim_build()
    result = box.publish(claim)
    assert box.publish(claim) == result
    with pytest.raises(LeaseLost):
        box.publish(claim, degraded=True)


def test_blobs_must_be_there_before_their_engine(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    claim = box.claim_build()
    with pytest.raises(Conflict) as refused:
        box.publish(claim, files=(FileRef("engine.onnx", 4, "b" * 64),))
    assert refused.value.details["missing"] == ["b" * 64]
    assert farm.show(submission).builds[0].engine is None


def test_an_engine_for_something_else_is_refused(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    claim = box.claim_build()
    assert claim.build
    honest = requirement_from_target(claim.build.key.target)
    for lie in (replace(honest, platform="linux-aarch64"), replace(honest, instruction_sets=("amx_int8",))):
        with pytest.raises(Invalid, match="refused"):
            box.publish(claim, requirement=lie)
    box.publish(claim)


def test_no_time_is_published_for_a_wrong_engine(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    claim = box.claim_build()
    measured = box.result(claim).benchmark
    with pytest.raises(Invalid, match="wrong engine"):
        box.publish(claim, Verdict.FAILED, benchmark=measured)


def test_a_broken_transfer_is_tried_again_and_a_broken_model_is_not(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    claim = box.claim_build()
    box.fail(claim, FailureKind.TRANSFER)
    box.fail(claim, FailureKind.TRANSFER)  # an answer got lost
    assert farm.states(submission) == [State.QUEUED]
    second = box.claim()
    assert second
    box.fail(second, FailureKind.CRASHED)
    assert farm.states(submission) == [State.FAILED]
    assert ends(farm, claim) == [AttemptEnd.FAILED, AttemptEnd.FAILED]


def test_released_work_is_in_the_queue_at_once(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    claim = box.claim_build()
    box.stage(claim, State.BUILDING)
    assert farm.states(submission) == [State.BUILDING]
    box.release(claim)
    box.release(claim)
    assert farm.states(submission) == [State.QUEUED]
    assert len(box.serve()) == 1


def test_stages_are_seen_in_their_order(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    claim = box.claim_build()
    assert claim.build
    for state in (State.BUILDING, State.BUILDING, State.VERIFYING):
        box.stage(claim, state)
        farm.clock.pass_s(2)
        assert farm.states(submission) == [state]
    with pytest.raises(Conflict):
        box.stage(claim, State.COMPILING)
    with pytest.raises(Conflict):
        box.stage(claim, State.DONE)
    stages = build_views.show(farm.context, claim.build.build).attempts[0].stages
    assert [(item.state, item.seconds) for item in stages] == [(State.BUILDING, 4.0), (State.VERIFYING, None)]


def test_a_cancelled_build_publishes_nothing(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    claim = box.claim_build()
    submissions.cancel(farm.context, submission.id, None, farm.user)
    with pytest.raises(LeaseLost, match="cancelled"):
        box.publish(claim)
    assert ends(farm, claim) == [AttemptEnd.CANCELLED]
    assert farm.submit().state is not State.CACHED


def test_a_start_gives_every_live_lease_one_more_term(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    claim = box.claim_build()
    farm.clock.pass_s(3600)  # the coordinator was down
    assert reconciler.begin(farm.context) == 1
    assert farm.reconcile().expired == 0
    box.publish(claim)


def test_slots_get_only_what_they_can_run(farm: Coordinator) -> None:
    both = replace(gpu_facts(), backends=(*gpu_facts().backends, *cpu_facts().backends), host_tools={"onnx": "1"})
    box = farm.enrol("both", both, slots=("cpu0", "gpu0"))
    farm.submit(targets=("cpu", "h200"))
    # Each target has a graph of its own: TensorRT 8.5 needs other steps than the processor.
    while (on_processor := box.claim(slot="cpu0")) and on_processor.preparation:
        box.prepare(on_processor)
    on_card = box.claim(slot="gpu0")
    assert on_card
    assert on_card.build
    assert on_processor
    assert on_processor.build
    assert (on_card.build.key.target.backend, on_processor.build.key.target.backend) == ("tensorrt", "onnxruntime")


def test_a_draining_device_finishes_and_takes_nothing_new(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    claim = box.claim_build()
    farm.submit(b"another")
    fleet.drain(farm.context, "box", True)
    box.publish(claim)
    assert box.claim() is None
    fleet.drain(farm.context, "box", False)
    assert box.claim() is not None


def test_a_device_that_claims_again_is_woken(farm: Coordinator) -> None:
    class Heard(NoWakeups):
        woken: list[str] = []  # noqa: RUF012  # of this test's class alone

        def wake(self, device: str, build_id: str) -> None:
            self.woken.append(device)

    context = replace(farm.context, wakeups=Heard())
    farm.enrol()
    fleet.drain(context, "box", True)
    assert Heard.woken == []
    fleet.drain(context, "box", False)
    assert Heard.woken == ["box"]


@pytest.mark.parametrize(
    ("precision", "hint"),
    [(Precision.FP16, "Try --precision mix: it keeps what overflows in float32."), (Precision.FP32, "`farm compare`")],
)
def test_a_wrong_engine_of_a_lower_precision_says_what_to_try(
    farm: Coordinator, precision: Precision, hint: str
) -> None:
    host = farm.enrol("host", roles=(Role.HOST,))
    card = farm.enrol("card", gpu_facts(), roles=(Role.DEVICE,), slots=("gpu0",))
    submission = farm.submit(targets=("h200",), options=BuildOptions(precision))
    preparing = host.claim()
    assert preparing
    host.prepare(preparing)
    claim = card.claim()
    assert claim
    assert claim.build
    card.publish(claim, Verdict.FAILED)
    assert farm.states(submission) == [State.QUARANTINED]
    failure = build_views.show(farm.context, claim.build.build).failure
    assert failure
    assert failure.hint.startswith(hint)
