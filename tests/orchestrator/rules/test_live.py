"""Which engines live, and what building them anew comes to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from farm.protocol.errors import Invalid, TargetUnavailable
from farm.protocol.facts import BackendFacts, DeviceFacts
from farm.protocol.target import BuildTarget, targets_from_facts
from orchestrator.rules.live import LiveEngine, hardware, renewals
from orchestrator.rules.targets import Offer
from orchestrator.rules.toolchains import Toolchain, doors, offered
from orchestrator.rules.words import BUILTIN
from tests.support.coordinator import cpu_facts, gpu_facts

OLD, NEW = gpu_facts("Tesla V100", "7.0", "10.4.0.26"), gpu_facts("Tesla V100", "7.0", "10.16.1.11")
TOOLCHAIN = Toolchain("tensorrt", "10.16")


def target(facts: DeviceFacts) -> BuildTarget:
    return targets_from_facts(facts)[0]


def engine(id: str, facts: DeviceFacts = OLD, **changed: Any) -> LiveEngine:
    made = LiveEngine(id, "m" * 64, "net", "fp32", target(facts), degraded=False, created_at=1.0)
    return replace(made, **changed)


def offers(*facts: DeviceFacts) -> list[Offer]:
    return [Offer(f"box-{at}", one, made) for at, one in enumerate(facts) for made in targets_from_facts(one)]


def formers(*engines: LiveEngine) -> list[str]:
    return [item.former.id for item in renewals(engines, (target(NEW),), TOOLCHAIN)]


def test_one_of_each_variant_is_renewed_the_one_that_fetch_prefers() -> None:
    older, newer = engine("older"), engine("newer", created_at=2.0)
    assert formers(older, newer) == ["newer"]
    assert formers(older, replace(newer, degraded=True)) == ["older"]
    assert formers(replace(older, promoted_at=9.0), newer) == ["older"]
    half, other = engine("half", variant="fp16"), engine("other", model="n" * 64, model_name="other")
    assert formers(older, half, other) == ["half", "older", "other"]


def test_what_the_toolchain_itself_built_is_neither_renewed_nor_compared_with() -> None:
    assert formers(engine("there", NEW)) == []
    assert formers(engine("there", NEW, created_at=9.0), engine("former")) == ["former"]


def test_an_engine_of_other_hardware_is_not_renewed() -> None:
    assert formers(engine("t4", gpu_facts("Tesla T4", "7.5", "10.4.0.26"))) == []
    assert formers(engine("arm", replace(OLD, platform="linux-aarch64"))) == []


def test_hardware_stays_what_it_is_under_another_driver_and_behind_another_door() -> None:
    upgraded = replace(NEW, driver="999.1", gpus=(replace(NEW.gpus[0], memory_bytes=1),), libc="glibc-2.40")
    assert hardware(target(OLD)) == hardware(target(upgraded))
    trtexec = replace(NEW, backends=(BackendFacts("trtexec", "10.16.1.11"),))
    assert hardware(target(OLD)) == hardware(target(trtexec))
    assert hardware(target(cpu_facts())) != hardware(target(OLD))


@pytest.mark.parametrize(
    ("written", "version", "is_one"),
    [("10.16", "10.16.1.11", True), ("10.16.1.11", "10.16.1.11", True), ("10.1", "10.16.1.11", False)],
)
def test_a_version_is_one_as_far_as_it_is_written(written: str, version: str, is_one: bool) -> None:
    assert Toolchain("tensorrt", written).is_of(target(gpu_facts(version=version))) is is_one


def test_the_doors_of_one_runtime_are_one_toolchain_and_the_binding_is_taken() -> None:
    assert sorted(doors("tensorrt")) == sorted(doors("trtexec")) == ["tensorrt", "trtexec"]
    assert doors("onnxruntime") == ("onnxruntime",)
    both = replace(NEW, backends=(BackendFacts("trtexec", "10.16.1.11"), *NEW.backends))
    found = offered(TOOLCHAIN, ("v100",), BUILTIN, offers(OLD, both))
    assert [item.backend for item in found] == ["tensorrt"]


def test_targets_that_differ_in_more_than_the_version_are_all_built_for() -> None:
    other = replace(NEW, driver="999.1")
    assert len(offered(TOOLCHAIN, ("v100", "v100", "all"), BUILTIN, offers(OLD, NEW, NEW, other))) == 2


def test_a_toolchain_that_nobody_has_is_told_with_what_there_is() -> None:
    with pytest.raises(TargetUnavailable, match=r"they have 10\.4\.0\.26") as refused:
        offered(TOOLCHAIN, ("v100",), BUILTIN, offers(OLD))
    assert refused.value.details["candidates"] == ["10.4.0.26"]
    recorded = [replace(item, recorded=True) for item in offers(NEW)]
    with pytest.raises(TargetUnavailable, match="there is no such device"):
        offered(TOOLCHAIN, ("v100",), BUILTIN, recorded)
    with pytest.raises(TargetUnavailable, match="2 versions on these devices"):
        offered(Toolchain("tensorrt", "10"), ("v100",), BUILTIN, offers(OLD, NEW))
    with pytest.raises(Invalid, match="is no version"):
        Toolchain("tensorrt", "10.")
