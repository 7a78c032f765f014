"""Tables of the small rules."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.protocol.errors import Conflict, Invalid
from farm.protocol.exits import Exit
from farm.protocol.options import BenchmarkPolicy, BuildOptions, Precision, VerifyPolicy
from farm.protocol.report import FailureKind, Verdict
from farm.protocol.requirement import requirement_from_target
from farm.protocol.states import ACTIVE_STATES, ENDED_STATES, DeviceState, Role, State
from farm.protocol.target import BuildTarget, GpuClass
from orchestrator.rules.hits import Evidence, Hit, Wanted, judge
from orchestrator.rules.lifecycle import BUILD_MOVES, PREPARATION_MOVES, check_stage, may_move
from orchestrator.rules.liveness import Pulse, device_state
from orchestrator.rules.matching import DeviceStand, refusals, slot_serves
from orchestrator.rules.mechanism import mechanism
from orchestrator.rules.outcome import exit_of, submission_state
from orchestrator.rules.plausible import contradictions
from orchestrator.rules.recipe import DEFAULT_STEPS, can_prepare, recipe_for
from orchestrator.rules.retention import StoredEngine, expendable
from orchestrator.rules.retry import Next, after_expiry, after_failure, rests
from tests.support.coordinator import gpu_facts


def target(backend: str = "tensorrt", version: str = "10.4.0", sm: str | None = "7.0") -> BuildTarget:
    gpu = GpuClass("card", sm) if sm else None
    return BuildTarget(backend, version, "linux-x86_64", "glibc-2.36", gpu=gpu)


# --- lifecycle


@pytest.mark.parametrize(
    ("old", "new", "allowed"),
    [
        (State.WAITING, State.QUEUED, True),
        (State.WAITING, State.LEASED, False),
        (State.QUEUED, State.LEASED, True),
        (State.QUEUED, State.BUILDING, False),
        (State.LEASED, State.COMPILING, True),
        (State.LEASED, State.BUILDING, True),
        (State.BUILDING, State.COMPILING, False),
        (State.BUILDING, State.QUEUED, True),
        (State.PUBLISHING, State.DONE, True),
        (State.PUBLISHING, State.QUARANTINED, True),
        (State.DONE, State.QUEUED, False),
        (State.CANCELLED, State.DONE, False),
    ],
)
def test_moves_of_a_build(old: State, new: State, allowed: bool) -> None:
    assert may_move(BUILD_MOVES, old, new) is allowed


@pytest.mark.parametrize("moves", [BUILD_MOVES, PREPARATION_MOVES])
def test_what_ended_never_moves_and_what_is_active_can_end(moves: dict[State, frozenset[State]]) -> None:
    assert not set(moves) & ENDED_STATES
    for state in set(moves) & ACTIVE_STATES:
        assert {State.FAILED, State.CANCELLED} <= moves[state]


def test_a_repeated_stage_is_no_move_and_a_step_back_is_refused() -> None:
    assert check_stage(BUILD_MOVES, State.LEASED, State.BUILDING)
    assert not check_stage(BUILD_MOVES, State.BUILDING, State.BUILDING)
    for state in (State.COMPILING, State.QUEUED, State.DONE, State.PREPARING):
        with pytest.raises(Conflict):
            check_stage(BUILD_MOVES, State.BUILDING, state)


# --- mechanism


@pytest.mark.parametrize(
    ("backend", "version", "sm", "precision", "told", "plugins"),
    [
        ("tensorrt", "8.5.2.2", "7.2", Precision.FP16, "builder flag FP16", "IPluginV2DynamicExt"),
        ("tensorrt", "10.4.0.26", "7.0", Precision.FP16, "builder flag FP16", "IPluginV3"),
        ("tensorrt", "11.1.0.106", "8.9", Precision.FP16, "strongly typed graph cast to FP16", "IPluginV3"),
        ("tensorrt", "11.1.0.106", "8.9", Precision.FP32, "strongly typed graph, TF32 cleared", "IPluginV3"),
        ("tensorrt", "8.5.3.1", "9.0", Precision.FP32, "builder flag TF32 cleared", "IPluginV2DynamicExt"),
        ("trtexec", "8.5.2.2", "7.2", Precision.INT8, "builder flag INT8", "IPluginV2DynamicExt"),
        ("tensorrt", "10.4.0", "8.0", Precision.BEST, "FP16 and BF16 and INT8 and TF32", "IPluginV3"),
        ("tensorrt", "10.4.0", "7.0", Precision.BEST, "FP16 and INT8 and TF32", "IPluginV3"),
        ("tensorrt_rtx", "1.2.0.54", "8.9", Precision.FP8, "FP8 Q/DQ", "IPluginV3"),
        ("onnxruntime", "1.31.1", None, Precision.FP32, "float32", "none"),
        ("onnxruntime", "1.31.1", None, Precision.FP16, "float16", "none"),
    ],
)
def test_what_a_precision_becomes(
    backend: str, version: str, sm: str | None, precision: Precision, told: str, plugins: str
) -> None:
    found = mechanism(target(backend, version, sm), BuildOptions(precision=precision))
    assert told in found.precision
    assert (found.plugins, found.problems) == (plugins, ())


@pytest.mark.parametrize(
    ("backend", "version", "sm", "precision", "told"),
    [
        ("tensorrt", "10.4.0", "7.0", Precision.BF16, "sm 80"),
        ("tensorrt", "10.4.0", "7.0", Precision.TF32, "sm 80"),
        ("tensorrt", "8.5.3.1", "9.0", Precision.BF16, "TensorRT 9"),
        ("tensorrt", "8.5.3.1", "9.0", Precision.FP8, "TensorRT 9"),
        ("tensorrt", "10.4.0", "8.6", Precision.FP8, "sm 89"),
        ("onnxruntime", "1.31.1", None, Precision.BF16, "onnxruntime 1.31.1"),
        ("onnxruntime", "1.31.1", None, Precision.BEST, "best"),
        ("onnxruntime", "1.31.1", None, Precision.INT8, "calibration"),
    ],
)
def test_what_cannot_be_honoured_names_option_and_version(
    backend: str, version: str, sm: str | None, precision: Precision, told: str
) -> None:
    (problem,) = mechanism(target(backend, version, sm), BuildOptions(precision=precision)).problems
    assert told in problem
    assert version in problem
    assert f"--precision {precision}" in problem


def test_calibration_that_nothing_would_use_is_a_problem() -> None:
    assert mechanism(target("onnxruntime", sm=None), BuildOptions(calibration="a" * 64)).problems


# --- recipe


def test_a_recipe_names_the_tools_of_the_newest_host_whatever_their_order() -> None:
    old, new = {"onnx": "1.9.0"}, {"onnx": "1.23.2"}
    assert recipe_for(None, [old, new]) == recipe_for(None, [new, old])
    assert recipe_for(None, [old, new]).tools == new
    assert [step.name for step in recipe_for(None, []).steps] == list(DEFAULT_STEPS)
    assert recipe_for((), [new]).steps == ()


def test_only_a_host_with_these_tools_prepares() -> None:
    recipe = recipe_for(("fold",), [{"onnx": "1.23.2"}])
    assert can_prepare(recipe, {"onnx": "1.23.2"})
    assert not can_prepare(recipe, {"onnx": "1.23.1"})
    assert not can_prepare(recipe, {"onnx": "1.23.2", "onnxslim": "0.1.98"})


@pytest.mark.parametrize("steps", [("fold", "fold"), ("no such",), ("../fold",)])
def test_steps_that_cannot_be_are_refused(steps: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        recipe_for(steps, [])


# --- hits

WANTED = Wanted(VerifyPolicy(), "v", BenchmarkPolicy(), "b", accept_degraded=False)
EVIDENCE = Evidence(degraded=False, quarantined=False, verdicts={"v": Verdict.PASSED}, measured=frozenset({"b"}))


@pytest.mark.parametrize(
    ("evidence", "wanted", "hit"),
    [
        (EVIDENCE, WANTED, Hit.SERVES),
        (replace(EVIDENCE, verdicts={"v": Verdict.UNVERIFIED}), WANTED, Hit.SERVES),
        (replace(EVIDENCE, verdicts={"other": Verdict.PASSED}), WANTED, Hit.REVERIFY),
        (replace(EVIDENCE, verdicts={}), replace(WANTED, verify=VerifyPolicy(enabled=False)), Hit.SERVES),
        (replace(EVIDENCE, verdicts={"v": Verdict.FAILED}), WANTED, Hit.REFUTED),
        (replace(EVIDENCE, measured=frozenset({"c"})), WANTED, Hit.REVERIFY),
        (
            replace(EVIDENCE, measured=frozenset()),
            replace(WANTED, benchmark=BenchmarkPolicy(enabled=False)),
            Hit.SERVES,
        ),
        (replace(EVIDENCE, degraded=True), WANTED, Hit.NO),
        (replace(EVIDENCE, degraded=True), replace(WANTED, accept_degraded=True), Hit.SERVES),
        (replace(EVIDENCE, quarantined=True), replace(WANTED, accept_degraded=True), Hit.NO),
    ],
)
def test_hits(evidence: Evidence, wanted: Wanted, hit: Hit) -> None:
    assert judge(evidence, wanted) is hit


# --- retry


@pytest.mark.parametrize("kind", list(FailureKind))
def test_only_what_is_nobodys_fault_is_tried_again(kind: FailureKind) -> None:
    passing = kind in (FailureKind.TRANSFER, FailureKind.LOST)
    assert after_failure(kind, 1, 5) is (Next.QUEUE if passing else Next.FAIL)
    assert after_failure(kind, 5, 5) is Next.FAIL


def test_the_cap_and_the_rest() -> None:
    assert [after_expiry(tries, 5) for tries in (1, 4, 5)] == [Next.QUEUE, Next.QUEUE, Next.FAIL]
    assert [rests(lost, 3) for lost in (0, 2, 3)] == [False, False, True]


# --- liveness

ALIVE = Pulse(recorded=False, retired=False, draining=False, silent_s=1.0, slots=2, leases=0)


@pytest.mark.parametrize(
    ("pulse", "state"),
    [
        (ALIVE, DeviceState.IDLE),
        (replace(ALIVE, leases=1), DeviceState.IDLE),
        (replace(ALIVE, leases=2), DeviceState.BUSY),
        (replace(ALIVE, draining=True), DeviceState.DRAINING),
        (replace(ALIVE, silent_s=50.0), DeviceState.LATE),
        (replace(ALIVE, silent_s=200.0, draining=True), DeviceState.GONE),
        (replace(ALIVE, silent_s=None), DeviceState.GONE),
        (replace(ALIVE, recorded=True, silent_s=None), DeviceState.RECORDED),
        (replace(ALIVE, retired=True, recorded=True), DeviceState.RETIRED),
    ],
)
def test_where_a_device_stands(pulse: Pulse, state: DeviceState) -> None:
    assert device_state(pulse, late_s=45.0, gone_s=180.0) is state


# --- matching

STAND = DeviceStand("box", (Role.DEVICE,), ("gpu0",))


@pytest.mark.parametrize(
    ("stand", "slot", "roles", "told"),
    [
        (STAND, "gpu0", (Role.DEVICE, Role.HOST), ""),
        (STAND, "gpu1", (Role.DEVICE,), "no slot"),
        (STAND, "gpu0", (Role.HOST,), "enrolled as device"),
        (replace(STAND, draining=True), "gpu0", (Role.DEVICE,), "draining"),
        (replace(STAND, retired=True), "gpu0", (Role.DEVICE,), "retired"),
        (replace(STAND, recorded=True), "gpu0", (Role.DEVICE,), "recorded"),
        (replace(STAND, rests_until=110.0), "gpu0", (Role.DEVICE,), "rests for 10 s"),
        (replace(STAND, rests_until=99.0), "gpu0", (Role.DEVICE,), ""),
    ],
)
def test_why_a_slot_gets_nothing(stand: DeviceStand, slot: str, roles: tuple[Role, ...], told: str) -> None:
    found = refusals(stand, slot, roles, now=100.0)
    assert any(told in item for item in found) if told else found == ()


def test_slots_serve_their_own_accelerator() -> None:
    facts = gpu_facts()
    other = replace(facts, gpus=(*facts.gpus, replace(facts.gpus[0], name="NVIDIA T4", compute_capability="7.5")))
    h200 = BuildTarget("tensorrt", "8.5.3.1", "linux-x86_64", "g", gpu=GpuClass("NVIDIA H200", "9.0"))
    t4 = replace(h200, gpu=GpuClass("NVIDIA T4", "7.5"))
    cpu = target("onnxruntime", sm=None)
    served = {slot: [slot_serves(slot, other, item) for item in (h200, t4, cpu)] for slot in ("gpu0", "gpu1", "cpu0")}
    assert served == {
        "gpu0": [True, False, False],
        "gpu1": [False, True, False],
        "cpu0": [False, False, True],
    }
    assert not slot_serves("gpu2", other, h200)
    assert slot_serves("bench", other, h200)


# --- outcome


@pytest.mark.parametrize(
    ("state", "noisy", "code"),
    [
        (State.DONE, False, Exit.DONE),
        (State.CACHED, False, Exit.DONE),
        (State.DONE, True, Exit.TOO_NOISY),
        (State.FAILED, True, Exit.BUILD_FAILED),
        (State.QUARANTINED, False, Exit.NUMERICS_FAILED),
        (State.CANCELLED, False, Exit.CANCELLED),
        (State.BUILDING, False, None),
    ],
)
def test_exit_codes(state: State, noisy: bool, code: Exit | None) -> None:
    assert exit_of(state, noisy) == code


@pytest.mark.parametrize(
    ("states", "whole"),
    [
        ([State.DONE, State.BUILDING, State.QUEUED], State.QUEUED),
        ([State.FAILED, State.WAITING], State.WAITING),
        ([State.DONE, State.FAILED, State.QUARANTINED], State.QUARANTINED),
        ([State.CANCELLED, State.DONE], State.CANCELLED),
        ([State.CACHED, State.DONE], State.DONE),
        ([State.CACHED], State.CACHED),
    ],
)
def test_the_state_of_a_submission(states: list[State], whole: State) -> None:
    assert submission_state(states) is whole


# --- plausible


def test_a_requirement_follows_from_its_target() -> None:
    built_for = target(sm="9.0")
    honest = requirement_from_target(built_for)
    assert contradictions(honest, built_for) == ()
    wider = replace(honest, compute_capabilities=("9.0", "8.0"))
    assert contradictions(wider, built_for)
    assert contradictions(replace(wider, hardware_compatible=True), built_for) == ()
    for lie in (
        replace(honest, backend="trtexec"),
        replace(honest, backend_version="10.5.0"),
        replace(honest, platform="linux-aarch64"),
        replace(honest, gpu=None),
        replace(honest, compute_capabilities=()),
        replace(honest, instruction_sets=("avx2",)),
    ):
        assert len(contradictions(lie, built_for)) >= 1


# --- retention


def test_which_engines_may_go() -> None:
    base = StoredEngine("e", ("net", "card", "fp16"), 0.0, 0.0, pinned=False, current=False, wanted=False)
    engines = [
        replace(base, id="oldest"),
        replace(base, id="pinned", created_at=1.0, pinned=True),
        replace(base, id="current", created_at=2.0, current=True),
        replace(base, id="wanted", created_at=3.0, wanted=True),
        replace(base, id="fetched", created_at=4.0, used_at=95.0),
        replace(base, id="older", created_at=5.0),
        replace(base, id="newest", created_at=6.0),
        replace(base, id="alone", variant=("net", "card", "int8")),
    ]
    assert set(expendable(engines, now=100.0, keep=1, keep_s=10.0)) == {"oldest", "older"}
    assert expendable(engines, now=100.0, keep=2, keep_s=10.0) == ("oldest",)
    assert expendable(engines, now=100.0, keep=9, keep_s=0.0) == ()
