"""Which device may load an engine, and how well it fits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from farm.protocol.codec import loads
from farm.protocol.facts import BackendFacts, DeviceFacts
from farm.protocol.requirement import TIERS, EngineRequirement, Tier, fit, requirement_from_target
from farm.protocol.target import BuildTarget, targets_from_facts

from ..samples import cpu_facts

FACTS = Path(__file__).parents[2] / "data" / "facts"


def recorded(name: str) -> DeviceFacts:
    return loads(DeviceFacts, (FACTS / f"{name}.json").read_text("utf-8"))


def built_on(facts: DeviceFacts, **wider: Any) -> EngineRequirement:
    return requirement_from_target(targets_from_facts(facts)[0], **wider)


def card(facts: DeviceFacts, **changed: Any) -> DeviceFacts:
    return replace(facts, gpus=(replace(facts.gpus[0], **changed),))


def runtime(facts: DeviceFacts, *backends: BackendFacts) -> DeviceFacts:
    return replace(facts, backends=backends)


V100 = recorded("v100")
ADA = recorded("rtx4090")
NAMES = ("h200", "rtx4090", "v100", "xavier")


@pytest.mark.parametrize("one", NAMES)
@pytest.mark.parametrize("other", NAMES)
def test_an_engine_fits_where_it_was_built_and_nowhere_else(one: str, other: str) -> None:
    found = fit(built_on(recorded(one)), recorded(other))
    assert found.fits == (one == other)
    assert found.tier is (Tier.EXACT if one == other else None)
    assert bool(found.refusals) == (one != other)
    assert all("\n" not in refusal for refusal in found.refusals)


@pytest.mark.parametrize(
    ("wider", "device", "tier"),
    [
        ({}, card(V100, memory_bytes=16 << 30), Tier.SAME_MODEL),
        ({}, card(V100, sm_count=72), Tier.SAME_MODEL),
        ({}, card(V100, name="TITAN V"), Tier.SAME_CC),
        ({}, card(V100, name="NVIDIA A100", compute_capability="8.0"), None),
        ({}, runtime(V100, BackendFacts("tensorrt", "10.5.0")), None),
        ({"version_compatible": True}, runtime(V100, BackendFacts("tensorrt", "10.5.0")), Tier.VERSION_COMPAT),
        ({"version_compatible": True}, runtime(V100, BackendFacts("tensorrt", "11.1.0")), Tier.VERSION_COMPAT),
        ({"version_compatible": True}, runtime(V100, BackendFacts("tensorrt", "12.0.0")), None),
        ({"version_compatible": True}, runtime(V100, BackendFacts("tensorrt", "10.3.0")), None),
        ({"version_compatible": True}, runtime(V100, BackendFacts("tensorrt_rtx", "10.4.0")), None),
        ({}, runtime(V100, BackendFacts("trtexec", "10.4.0")), Tier.EXACT),
        ({}, runtime(V100), None),
        ({}, replace(V100, platform="linux-aarch64"), None),
        ({}, replace(V100, gpus=()), None),
        ({}, card(V100, mig_profile="1g.10gb"), Tier.SAME_CC),
    ],
)
def test_the_tier_is_the_worst_of_card_and_runtime(wider: Any, device: DeviceFacts, tier: Any) -> None:
    found = fit(built_on(V100, **wider), device)
    assert found.tier is tier
    assert bool(found.refusals) == (tier is None)


@pytest.mark.parametrize(
    ("name", "capability", "integrated", "tier"),
    [
        ("NVIDIA A100", "8.0", False, Tier.HW_COMPAT),
        ("NVIDIA RTX 5090", "12.0", False, Tier.HW_COMPAT),
        ("NVIDIA L40", "8.9", False, Tier.SAME_CC),
        ("Tesla V100-SXM2-32GB", "7.0", False, None),
        ("Orin", "8.7", True, None),
    ],
)
def test_a_hardware_compatible_engine_runs_from_ampere_on(
    name: str, capability: str, integrated: bool, tier: Any
) -> None:
    built = built_on(ADA, hardware_compatible=True)
    assert fit(built, card(ADA, name=name, compute_capability=capability, integrated=integrated)).tier is tier


@pytest.mark.parametrize(
    ("built", "here", "loads_it"),
    [
        ("8.6.1", "8.6.2.3", True),
        ("8.6.1", "10.4.0", True),
        ("8.6.1", "11.1.0", False),
        ("10.4.0", "10.4.0.26", True),
        ("10.4.0", "11.4.0", True),
        ("11.0.0", "10.16.1", False),
        ("11.0.0", "12.0.0", False),
    ],
)
def test_version_compatible_engines_are_carried_to_the_next_major(built: str, here: str, loads_it: bool) -> None:
    engine = replace(built_on(V100, version_compatible=True), backend_version=built)
    found = fit(engine, runtime(V100, BackendFacts("tensorrt", here)))
    assert found.tier is (Tier.VERSION_COMPAT if loads_it else None)
    assert loads_it or f"needs tensorrt {built}, this device has {here}" in found.refusals


@pytest.mark.parametrize(
    ("capability", "version", "tier"),
    [("8.9", "1.7.1.116", Tier.EXACT), ("12.0", "1.7.1.116", None), ("8.9", "1.6.1.120", None)],
)
def test_an_engine_built_ahead_of_time_fits_the_cards_it_was_told(capability: str, version: str, tier: Any) -> None:
    ahead = BuildTarget("tensorrt_rtx", "1.7.1.116", "linux-x86_64", "glibc-2.36")
    engine = replace(requirement_from_target(ahead), compute_capabilities=("8.6", "8.9"))
    device = runtime(card(ADA, compute_capability=capability), BackendFacts("tensorrt_rtx", version))
    found = fit(engine, device)
    assert found.tier is tier
    assert fit(engine, replace(device, gpus=())).refusals[-1] == "needs sm 8.6, 8.9, this device has no GPU"


def test_two_cards_in_one_machine_are_each_as_good() -> None:
    other = replace(V100.gpus[0], name="NVIDIA A100", compute_capability="8.0")
    assert fit(built_on(V100), replace(V100, gpus=(other, V100.gpus[0]))).tier is Tier.EXACT


def test_a_processor_needs_every_instruction_set() -> None:
    facts = cpu_facts()
    sets = facts.cpu.instruction_sets
    more = replace(facts, cpu=replace(facts.cpu, instruction_sets=(*sets, "amx_int8")))
    less = replace(facts, cpu=replace(facts.cpu, instruction_sets=sets[1:]))
    assert fit(built_on(facts), facts).tier is Tier.EXACT
    assert fit(built_on(facts), more).tier is Tier.SAME_MODEL
    refused = fit(built_on(facts), less)
    assert refused.refusals == (f"needs the instruction sets {sets[0]}, this processor lacks them",)


def test_every_refusal_is_told_at_once() -> None:
    device = runtime(replace(cpu_facts(), platform="linux-aarch64"))
    assert len(fit(built_on(V100), device).refusals) == 3


def test_tiers_are_ordered_from_best_to_worst() -> None:
    assert [str(tier) for tier in TIERS] == ["exact", "same-model", "same-cc", "hw-compat", "version-compat"]


@pytest.mark.parametrize(
    ("sets", "called"),
    [
        (("avx", "avx2", "avx512f", "fma", "sse4_2"), "cpu avx512f"),
        (("avx", "avx2", "fma", "sse4_2"), "cpu avx2"),
        (("asimd", "asimdhp"), "cpu asimdhp"),
        (("rvv",), "cpu rvv"),
        ((), "cpu linux-x86_64"),
    ],
)
def test_a_processor_is_called_by_its_widest_vectors(sets: Any, called: str) -> None:
    target = BuildTarget("onnxruntime", "1.31.1", "linux-x86_64", "glibc-2.36", instruction_sets=sets)
    assert target.label() == f"{called} · onnxruntime 1.31.1"


def test_each_runtime_on_each_card_is_a_target_of_its_own() -> None:
    twin = replace(V100, gpus=(V100.gpus[0], replace(V100.gpus[0], uuid="other")))
    both = replace(twin, backends=(*V100.backends, BackendFacts("onnxruntime", "1.31.1")))
    assert [(target.backend, target.gpu is None) for target in targets_from_facts(both)] == [
        ("tensorrt", False),
        ("onnxruntime", True),
    ]
