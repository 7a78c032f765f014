from __future__ import annotations

from dataclasses import replace

import pytest

from farm.protocol.errors import BlobCorrupt, Conflict, Invalid, NotFound, TargetUnavailable, Unsupported
from farm.protocol.model import FileRef, ModelManifest
from farm.protocol.options import BenchmarkPolicy, BuildOptions, Precision, ReferencePolicy, VerifyPolicy
from farm.protocol.report import Verdict
from farm.protocol.states import Role, State
from orchestrator.services import engines, fleet, submissions
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


def test_a_quarantined_engine_is_never_a_hit(farm: Coordinator) -> None:
    box = farm.enrol()
    first = farm.submit()
    building = box.claim_build()
    assert box.publish(building, Verdict.FAILED).state is State.QUARANTINED
    assert (farm.states(first), farm.show(first).builds[0].exit_code) == ([State.QUARANTINED], 3)
    second = farm.submit()
    assert second.state is State.QUARANTINED
    assert "--force" in second.builds[0].reason


def test_another_tolerance_verifies_the_engine_again(farm: Coordinator) -> None:
    box = farm.enrol()
    first = farm.submit()
    box.serve()
    strict = VerifyPolicy(atol={"": 1e-9})
    second = farm.submit(verify=strict)
    assert second.state is State.QUEUED
    claim = box.claim()
    assert claim
    assert claim.build
    assert claim.build.reuse
    assert claim.build.reuse.engine == farm.show(first).builds[0].engine
    assert claim.build.verify == strict
    box.publish(claim)
    assert farm.show(second).builds[0].engine == farm.show(first).builds[0].engine
    assert farm.submit(verify=strict).state is State.CACHED
    assert farm.submit(verify=VerifyPolicy(enabled=False)).state is State.CACHED


def test_an_engine_that_fails_a_stricter_tolerance_still_serves_the_looser_one(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    box.serve()
    strict = farm.submit(verify=VerifyPolicy(atol={"": 0.0}))
    claim = box.claim()
    assert claim
    box.publish(claim, Verdict.FAILED)
    assert farm.states(strict) == [State.QUARANTINED]
    assert farm.submit().state is State.CACHED
    refused = farm.submit(verify=VerifyPolicy(atol={"": 0.0}))
    assert (refused.state, "--force" in refused.builds[0].reason) == (State.QUARANTINED, True)


def test_each_request_sees_first_what_its_own_policies_found(farm: Coordinator) -> None:
    box = farm.enrol()
    loose = farm.submit()
    box.serve()
    strict = farm.submit(verify=VerifyPolicy(atol={"": 0.0}), benchmark=BenchmarkPolicy(iterations=77))
    claim = box.claim()
    assert claim
    farm.clock.pass_s(1.0)
    box.publish(claim, Verdict.FAILED)
    engine = farm.show(loose).builds[0].engine or ""

    def verdicts(request: str | None = None) -> list[Verdict]:
        return [item.verdict for item in engines.show(farm.context, engine, request).verifications]

    assert verdicts() == [Verdict.FAILED, Verdict.PASSED]
    assert verdicts(farm.show(loose).builds[0].id) == [Verdict.PASSED, Verdict.FAILED]
    assert verdicts(farm.show(strict).builds[0].id) == [Verdict.FAILED, Verdict.PASSED]
    with pytest.raises(NotFound):
        engines.show(farm.context, engine, "req-unknown")


def test_a_noisy_measurement_hides_no_earlier_one_that_was_quiet(farm: Coordinator) -> None:
    box = farm.enrol()
    quiet = farm.submit()
    box.serve()
    engine = farm.show(quiet).builds[0].engine or ""
    before = engines.show(farm.context, engine).manifest.benchmark
    farm.submit(benchmark=BenchmarkPolicy(iterations=78))
    claim = box.claim()
    assert claim
    farm.clock.pass_s(1.0)
    box.publish(claim, noisy=True)
    after = engines.show(farm.context, engine)
    assert [item.noisy for item in after.benchmarks] == [True, False]
    assert after.manifest.benchmark == before


def test_a_request_that_joined_with_a_stricter_tolerance_is_proven_on_its_own(farm: Coordinator) -> None:
    box = farm.enrol()
    loose = farm.submit()
    strict = farm.submit(verify=VerifyPolicy(atol={"": 1e-9}))
    assert strict.builds[0].build == loose.builds[0].build
    building = box.claim_build()
    box.publish(building)
    assert (farm.states(loose), farm.states(strict)) == ([State.DONE], [State.QUEUED])
    assert len(box.serve()) == 1
    assert farm.states(strict) == [State.DONE]
    assert farm.show(strict).builds[0].engine == farm.show(loose).builds[0].engine


def test_other_reference_inputs_prepare_again_and_verify_again(farm: Coordinator) -> None:
    box = farm.enrol()
    first = farm.submit()
    box.serve()
    second = farm.submit(reference=ReferencePolicy(seed=7))
    assert second.builds[0].key == first.builds[0].key
    assert [item.split("-")[0] for item in box.serve()] == ["prp", "bld"]
    assert farm.show(second).builds[0].engine == farm.show(first).builds[0].engine


def test_another_way_to_measure_measures_again(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    box.serve()
    assert farm.submit(benchmark=BenchmarkPolicy(iterations=50)).state is State.QUEUED
    box.serve()
    assert farm.submit(benchmark=BenchmarkPolicy(iterations=50)).state is State.CACHED
    assert farm.submit(benchmark=BenchmarkPolicy(enabled=False)).state is State.CACHED


def test_a_degraded_engine_is_a_hit_only_when_asked(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    building = box.claim_build()
    box.publish(building, degraded=True)
    assert farm.submit(accept_degraded=True).state is State.CACHED
    assert farm.submit().state is State.QUEUED


def test_a_noisy_measurement_is_told_by_the_exit_code(farm: Coordinator) -> None:
    box = farm.enrol()
    submission = farm.submit()
    building = box.claim_build()
    box.publish(building, noisy=True)
    request = farm.show(submission).builds[0]
    assert (request.state, request.exit_code, "noisy" in request.reason) == (State.DONE, 5, True)
    (engine,) = engines.every(farm.context)
    assert (engine.latency_ms, engine.p99_ms, engine.noisy) == (None, None, True)

    # Whoever asks again wants a time: the engine is measured once more, and not built.
    again = farm.submit()
    measuring = box.claim()
    assert measuring
    assert measuring.build
    assert measuring.build.reuse
    box.publish(measuring, files=())
    request = farm.show(again).builds[0]
    assert (request.state, request.exit_code) == (State.DONE, 0)
    assert farm.submit().state is State.CACHED
    (engine,) = engines.every(farm.context)
    assert engine.latency_ms
    assert not engine.noisy


def test_a_later_noisy_measurement_does_not_hide_a_calm_one(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    box.serve()
    (calm,) = engines.every(farm.context)
    farm.clock.pass_s(10)
    farm.submit(benchmark=BenchmarkPolicy(iterations=999))
    measuring = box.claim()
    assert measuring
    box.publish(measuring, files=(), noisy=True)
    assert len(engines.show(farm.context, calm.id).benchmarks) == 2
    (engine,) = engines.every(farm.context)
    assert (engine.latency_ms, engine.noisy) == (calm.latency_ms, False)


def test_an_engine_whose_file_was_put_aside_is_built_again(farm: Coordinator) -> None:
    box = farm.enrol()
    farm.submit()
    box.serve()
    assert farm.submit().state is State.CACHED
    (engine,) = engines.every(farm.context)
    (file,) = engines.show(farm.context, engine.id).manifest.files
    # As the scrub, or a reader who found it damaged, does.
    farm.context.blobs.layout.blob(file.sha256).write_bytes(b"rotten")  # type: ignore[attr-defined]
    with pytest.raises(BlobCorrupt):
        farm.context.blobs.check(file.sha256)
    again = farm.submit()
    assert again.state is State.QUEUED
    box.serve()
    assert farm.states(again) == [State.DONE]
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
