"""Which engine a submission is served with at once, and which is verified, measured or built again."""

from __future__ import annotations

import pytest

from farm.protocol.errors import BlobCorrupt, NotFound
from farm.protocol.options import BenchmarkPolicy, ReferencePolicy, VerifyPolicy
from farm.protocol.report import Verdict
from farm.protocol.states import State
from orchestrator.services import engines
from tests.support.coordinator import Coordinator


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
