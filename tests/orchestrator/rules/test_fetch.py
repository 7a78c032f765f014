"""Which engine a device is given, out of many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from farm.backends.tensorrt.requirement import engine_requirement
from farm.protocol.errors import Conflict, NoEngine
from farm.protocol.facts import DeviceFacts
from farm.protocol.keys import PreparationRecipe, RequestKey
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.requirement import TIERS, Tier, requirement_from_target
from farm.protocol.target import targets_from_facts
from orchestrator.rules.fetch import Stored, Wish, choose, considered
from tests.support.coordinator import gpu_facts

HERE = gpu_facts()


def stored(id: str, precision: Precision = Precision.FP32, facts: DeviceFacts = HERE, age: float = 0.0) -> Stored:
    """An engine that was built on a device with these facts."""
    (target,) = targets_from_facts(facts)
    spec = RequestKey("m" * 64, PreparationRecipe(()), BuildOptions(precision=precision), target)
    return Stored(id, target.label(), precision, spec.digest, spec, requirement_from_target(target), -age, False)


def taken(*engines: Stored, precision: Precision | None = None, key: str | None = None) -> str:
    """The id of the engine that is chosen."""
    return choose(engines, Wish("net", HERE, Tier.SAME_MODEL, precision, key))[0].engine


def test_of_one_variant_the_newest_is_taken() -> None:
    assert taken(stored("old", age=9), stored("new"), stored("older", age=99)) == "new"


def test_a_full_engine_is_taken_before_a_newer_degraded_one() -> None:
    assert taken(stored("full", age=9), replace(stored("rung"), degraded=True)) == "full"


def test_several_variants_are_listed_and_none_is_guessed() -> None:
    engines = (stored("half", Precision.FP16), stored("whole"), stored("eight", Precision.INT8))
    with pytest.raises(Conflict) as refused:
        taken(*engines)
    for engine in engines:
        assert f"{engine.precision}, key {engine.key[:12]} ({engine.id})" in refused.value.message
    assert refused.value.hint == "Choose with --precision or --key."
    assert taken(*engines, precision=Precision.FP16) == "half"
    assert taken(*engines, key=engines[2].key[:8]) == "eight"


def test_a_better_fit_does_not_choose_between_variants() -> None:
    smaller = replace(HERE, gpus=(replace(HERE.gpus[0], sm_count=100),))
    near, far = stored("near", Precision.FP16), stored("far", facts=smaller)
    tiers = [row.tier for row in considered((near, far), Wish("net", HERE, Tier.SAME_MODEL))]
    assert tiers == [Tier.EXACT, Tier.SAME_MODEL]
    with pytest.raises(Conflict, match="2 different engines"):
        taken(near, far)


def test_two_keys_of_one_precision_are_told_by_their_key() -> None:
    first = stored("first")
    second = replace(first, id="second", spec=replace(first.spec, options=BuildOptions(backend_options={"a": 1})))
    with pytest.raises(Conflict) as refused:
        taken(first, second)
    assert refused.value.hint == "Choose with --key; farm key first second tells how they differ."


def test_what_does_not_fit_is_refused_with_a_reason_each() -> None:
    v100 = gpu_facts("Tesla V100", "7.0", "10.4.0")
    rows = considered(
        (stored("eng-1", facts=v100), replace(stored("bad"), refusal="quarantined")), Wish("net", HERE, Tier.SAME_MODEL)
    )
    assert all(row.tier is None and row.refusals for row in rows)
    assert all("\n" not in refusal for row in rows for refusal in row.refusals)
    with pytest.raises(NoEngine, match="no engine of net fits this device"):
        taken(stored("eng-1", facts=v100))
    with pytest.raises(NoEngine, match="there is no engine of net"):
        taken()


def test_an_engine_of_an_older_model_is_told_and_not_taken() -> None:
    with pytest.raises(NoEngine, match="there is no engine of net as it is now") as refused:
        choose((), Wish("net", HERE, Tier.SAME_MODEL, older="a" * 64))
    assert f"--model {'a' * 64}" in refused.value.hint


HOPPER = gpu_facts(version="10.4.0")
# One variant of one model, built on five machines: each engine fits the device less well than the one before it.
MACHINES: dict[Tier, tuple[DeviceFacts, dict[str, Any]]] = {
    Tier.EXACT: (HOPPER, {}),
    Tier.SAME_MODEL: (replace(HOPPER, gpus=(replace(HOPPER.gpus[0], sm_count=66),)), {}),
    Tier.SAME_CC: (gpu_facts("NVIDIA H100", "9.0", "10.4.0"), {}),
    Tier.HW_COMPAT: (gpu_facts("NVIDIA A100", "8.0", "10.4.0"), {"hardwareCompatibilityLevel": "ampere+"}),
    Tier.VERSION_COMPAT: (gpu_facts(version="10.1.0"), {"versionCompatible": True}),
}


def carried(tier: Tier) -> Stored:
    facts, named = MACHINES[tier]
    made = stored(str(tier), facts=facts)
    options = BuildOptions(backend_options=named)
    requirement = engine_requirement(made.spec.target, options)
    return replace(made, spec=replace(made.spec, options=options), requirement=requirement)


@pytest.mark.parametrize("allow", Tier)
def test_a_device_gets_the_best_of_the_tiers_it_allows(allow: Tier) -> None:
    engines = [carried(tier) for tier in reversed(TIERS)]
    rows = considered(engines, Wish("net", HOPPER, allow))
    allowed = TIERS[: TIERS.index(allow) + 1]
    assert [row.tier for row in rows if row.tier] == list(allowed)
    refused = {row.engine: row.refusals for row in rows if row.tier is None}
    assert refused == {
        str(tier): (f"fits as {tier} only; --allow {tier} accepts that",) for tier in TIERS if tier not in allowed
    }
    for worst in allowed:
        there = [engine for engine in engines if TIERS.index(Tier(engine.id)) >= TIERS.index(worst)]
        assert choose(there, Wish("net", HOPPER, allow))[0].engine == worst


def test_how_far_an_engine_carries_makes_no_variant() -> None:
    assert len({carried(tier).variant for tier in TIERS}) == 1
    other = replace(carried(Tier.EXACT).spec.options, backend_options={"sparsity": "enable"})
    assert replace(carried(Tier.EXACT), spec=replace(carried(Tier.EXACT).spec, options=other)).variant != (
        carried(Tier.EXACT).variant
    )


def test_what_waits_for_a_campaign_is_given_to_whoever_names_its_key() -> None:
    former, waiting = stored("former", age=9), replace(stored("waiting"), key="k" * 64, awaits="cmp-1")
    assert taken(former, waiting) == "former"
    assert taken(former, waiting, key="k" * 64) == "waiting"
    (refused, *_) = [row.refusals for row in considered((waiting,), Wish("net", HERE, Tier.SAME_MODEL))]
    assert refused == (f"made for cmp-1, which is not promoted; --key {'k' * 12} takes it",)


def test_what_was_promoted_last_is_taken_before_what_is_newest_and_after_what_fits_better() -> None:
    first, last = (replace(stored(f"at {at}", age=9), promoted_at=at) for at in (1.0, 2.0))
    assert taken(stored("newest"), first, last) == "at 2.0"
    smaller = replace(HERE, gpus=(replace(HERE.gpus[0], sm_count=100),))
    assert taken(stored("exact"), replace(stored("near", facts=smaller), promoted_at=3.0)) == "exact"
