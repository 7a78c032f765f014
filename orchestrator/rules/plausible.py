"""Whether what a worker says about its engine can be true of the target it built for."""

from __future__ import annotations

from farm.protocol.requirement import EngineRequirement
from farm.protocol.target import AHEAD_OF_TIME, BuildTarget


def contradictions(requirement: EngineRequirement, target: BuildTarget) -> tuple[str, ...]:
    """What of the requirement cannot follow from the target, one sentence each; empty where all can."""
    found = []
    for name in ("backend", "backend_version", "platform"):
        told, built = getattr(requirement, name), getattr(target, name)
        if told != built:
            found.append(f"the requirement says {name} {told!r}, the build was for {built!r}")
    if requirement.gpu != target.gpu:
        found.append("the requirement is for another card than the build")
    capability = target.gpu.compute_capability if target.gpu else None
    if capability and capability not in requirement.compute_capabilities:
        found.append(f"the requirement leaves out compute capability {capability}, which the build was for")
    others = set(requirement.compute_capabilities) - {capability}
    if target.backend in AHEAD_OF_TIME:
        if not others:
            found.append("the requirement names no compute capability, so no card could run the engine")
    elif others and not requirement.hardware_compatible:
        found.append(f"only a hardware-compatible engine runs on {', '.join(sorted(others))}")
    more = set(requirement.instruction_sets) - set(target.instruction_sets)
    if more:
        found.append(f"the requirement asks for {', '.join(sorted(more))}, which the build was not for")
    return tuple(found)
