from __future__ import annotations

from dataclasses import replace

import pytest

from farm.protocol.errors import Conflict, Invalid, TargetUnavailable, Unsupported
from farm.protocol.model import FileRef, ModelManifest
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.states import Role, State
from orchestrator.services import fleet, submissions
from tests.support.coordinator import Coordinator, cpu_facts, gpu_facts


def test_a_model_goes_all_the_way_and_is_cached_the_second_time(farm: Coordinator) -> None:
    box = farm.enrol()
    first = farm.submit()
    assert (first.state, farm.states(first)) == (State.WAITING, [State.WAITING])
    done = box.serve()
    assert [item.split("-")[0] for item in done] == ["prp", "bld"]
    ended = farm.show(first)
    assert (ended.state, ended.builds[0].exit_code) == (State.DONE, 0)
    again = farm.submit()
    assert (again.state, again.builds[0].engine) == (State.CACHED, ended.builds[0].engine)
    assert again.builds[0].build == ended.builds[0].build
    assert box.serve() == []


def test_each_target_is_built_and_a_preparation_is_shared(farm: Coordinator) -> None:
    box, card = farm.enrol(), farm.enrol("card", gpu_facts(version="10.4.0.26"), slots=("gpu0",))
    submission = farm.submit(targets=("cpu", "h200"))
    assert len(box.serve()) == 2  # one preparation, and the build for its own processor
    assert farm.states(submission) == [State.DONE, State.QUEUED]
    assert len(card.serve()) == 1
    view = farm.show(submission)
    assert [item.state for item in view.builds] == [State.DONE, State.DONE]
    assert len({item.key for item in view.builds}) == 2


def test_missing_blobs_are_named_and_nothing_is_written(farm: Coordinator) -> None:
    farm.enrol()
    ask = replace(farm.ask(), model=ModelManifest((FileRef("model.onnx", 3, "a" * 64),)))
    with pytest.raises(Conflict) as refused:
        submissions.submit(farm.context, ask, farm.user)
    assert refused.value.details["missing"] == ["a" * 64]


def test_a_manifest_that_lies_about_a_size_is_refused(farm: Coordinator) -> None:
    farm.enrol()
    honest = farm.model().files[0]
    ask = replace(farm.ask(), model=ModelManifest((replace(honest, size_bytes=honest.size_bytes + 1),)))
    with pytest.raises(Invalid, match="bytes, not"):
        submissions.submit(farm.context, ask, farm.user)


def test_the_same_idempotency_key_is_one_submission(farm: Coordinator) -> None:
    farm.enrol()
    first = farm.submit(idempotency="once")
    assert farm.submit(idempotency="once") == first
    with pytest.raises(Conflict, match="idempotency"):
        farm.submit(b"another model", idempotency="once")


def test_two_submissions_share_a_build_and_each_is_cancelled_alone(farm: Coordinator) -> None:
    box = farm.enrol()
    one, two = farm.submit(), farm.submit()
    assert one.builds[0].build == two.builds[0].build
    submissions.cancel(farm.context, one.id, None, farm.user)
    assert farm.states(one) == [State.CANCELLED]
    box.serve()
    assert (farm.states(one), farm.states(two)) == ([State.CANCELLED], [State.DONE])
    assert farm.show(one).builds[0].exit_code == 7


def test_cancelling_the_last_request_stops_the_build_at_once(farm: Coordinator) -> None:
    box = farm.enrol()
    one, two = farm.submit(), farm.submit()
    building = box.claim_build()
    submissions.cancel(farm.context, one.id, None, farm.user)
    assert not box.beat(building).cancel
    submissions.cancel(farm.context, two.id, "cpu", farm.user)
    assert box.beat(building).cancel
    assert box.claim() is None, "the slot is free only when the child is dead"
    box.release(building)
    assert farm.submit().builds[0].build != one.builds[0].build


def test_a_failed_build_is_repeated_only_by_force(farm: Coordinator) -> None:
    box = farm.enrol()
    first = farm.submit()
    building = box.claim_build()
    box.fail(building)
    assert (farm.states(first), farm.show(first).builds[0].exit_code) == ([State.FAILED], 1)
    second = farm.submit()
    assert second.state is State.FAILED
    assert "--force" in second.builds[0].reason
    third = farm.submit(force=True)
    assert third.state is State.QUEUED
    box.serve()
    assert farm.submit().state is State.CACHED


def test_a_target_of_recorded_devices_can_be_planned_only(farm: Coordinator) -> None:
    farm.enrol()
    fleet.record(farm.context, "old-card", gpu_facts())
    with pytest.raises(TargetUnavailable, match="recorded"):
        farm.submit(targets=("h200",))


def test_what_a_backend_cannot_honour_is_refused_at_once(farm: Coordinator) -> None:
    farm.enrol()
    with pytest.raises(Unsupported, match=r"onnxruntime 1\.31\.1 cannot build --precision bf16"):
        farm.submit(options=BuildOptions(precision=Precision.BF16))


def test_without_a_host_nothing_is_accepted(farm: Coordinator) -> None:
    farm.enrol(roles=(Role.DEVICE,))
    with pytest.raises(TargetUnavailable, match="no host"):
        farm.submit()


def test_retry_repeats_what_failed_and_points_back(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.enrol("other", cpu_facts("other", version="1.19.2"))
    first = farm.submit(targets=("box", "other"))
    building = box.claim_build()
    box.fail(building)
    again = submissions.retry(farm.context, first.id, failed=True, force=False, caller=farm.user)
    assert ([item.target for item in again.builds], again.tags) == (["box"], {"retry-of": first.id})
    assert again.state is State.QUEUED


def test_what_waits_says_for_what(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    assert farm.show(submission).builds[0].reason == "its model is being prepared"
    preparing = box.claim()
    assert preparing
    box.prepare(preparing)
    assert farm.show(submission).builds[0].reason == "waits for a free slot"
    farm.clock.pass_s(3600)
    assert "is online" in farm.show(submission).builds[0].reason
