"""What a worker says of its engine must follow from what it built for."""

from __future__ import annotations

from dataclasses import replace

from farm.protocol.requirement import requirement_from_target
from orchestrator.rules.plausible import contradictions

from .samples import target


def test_an_engine_made_ahead_of_time_names_the_capabilities_it_was_made_for() -> None:
    ahead = target("tensorrt_rtx", "1.7.1.116", sm=None)
    honest = replace(requirement_from_target(ahead), compute_capabilities=("8.6", "8.9"))
    assert contradictions(honest, ahead) == ()
    assert contradictions(replace(honest, compute_capabilities=()), ahead)


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
