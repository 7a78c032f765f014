"""How long builds took is looked up once a minute, and what was never built each time."""

from __future__ import annotations

import pytest

from farm.protocol.codec import digest
from farm.protocol.target import targets_from_facts
from orchestrator.rules.estimates import Wanted, estimate
from orchestrator.services.estimates import Estimates
from tests.support.coordinator import Coordinator, Talker, cpu_facts

(CPU,) = (digest(target) for target in targets_from_facts(cpu_facts()))
(OLD,) = (digest(target) for target in targets_from_facts(cpu_facts(version="1.19.2")))


@pytest.fixture
def box(farm: Coordinator) -> Talker:
    """A device that builds for the target `CPU`."""
    return farm.enrol()


def built(farm: Coordinator, box: Talker, content: bytes, child_ms: float) -> str:
    """Build a model, whose build takes so long; its digest."""
    view = farm.submit(content)
    box.publish(box.claim_build(), child_ms=child_ms)
    return view.model


def looked(farm: Coordinator, estimates: Estimates, model: str, *targets: str) -> list[float | None]:
    """What a list would show for each target now."""
    with farm.context.database.read() as connection:
        found = estimates.times(connection, targets, farm.clock())
    assert set(found) == set(targets)
    told = [estimate(found[target], Wanted(model, "fp32")) for target in targets]
    return [item.seconds if item else None for item in told]


def test_what_was_found_is_kept_for_a_minute(farm: Coordinator, box: Talker) -> None:
    estimates = Estimates()
    model = built(farm, box, b"first", 1500.0)
    assert looked(farm, estimates, model, CPU) == [1.5]
    other = built(farm, box, b"second", 9000.0)
    farm.clock.pass_s(59.0)
    assert looked(farm, estimates, other, CPU) == [1.5]
    farm.clock.pass_s(1.0)
    assert looked(farm, estimates, other, CPU) == [9.0]
    assert looked(farm, estimates, model, CPU) == [1.5]


def test_what_was_never_built_is_looked_up_again(farm: Coordinator, box: Talker) -> None:
    estimates = Estimates()
    assert looked(farm, estimates, "any", CPU, OLD) == [None, None]
    model = built(farm, box, b"first", 1500.0)
    assert looked(farm, estimates, model, CPU, OLD) == [1.5, None]


def test_a_clock_that_was_set_back_keeps_nothing(farm: Coordinator, box: Talker) -> None:
    estimates = Estimates()
    built(farm, box, b"first", 1500.0)
    assert looked(farm, estimates, "any", CPU) == [1.5]
    model = built(farm, box, b"second", 9000.0)
    farm.clock.pass_s(-3600.0)
    assert looked(farm, estimates, model, CPU) == [9.0]


def test_of_a_model_that_is_new_the_others_tell(farm: Coordinator, box: Talker) -> None:
    for content, child_ms in ((b"a", 1000.0), (b"b", 2000.0), (b"c", 9000.0)):
        built(farm, box, content, child_ms)
    assert looked(farm, Estimates(), "new", CPU) == [2.0]


def test_nothing_asked_is_nothing_found(farm: Coordinator) -> None:
    assert looked(farm, Estimates(), "any") == []
