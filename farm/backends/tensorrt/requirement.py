"""What an engine of TensorRT asks of a device: its target, and how far the options carry it."""

from __future__ import annotations

from dataclasses import replace

from farm.protocol.options import BuildOptions
from farm.protocol.requirement import EngineRequirement, requirement_from_target
from farm.protocol.target import AHEAD_OF_TIME, BuildTarget

from .hardware import cards_ahead

# Options that only decide where an engine runs, not what it is.
CARRY = ("hardwareCompatibilityLevel", "versionCompatible", "excludeLeanRuntime", "computeCapabilities")


def engine_requirement(target: BuildTarget, options: BuildOptions) -> EngineRequirement:
    """What an engine built for a target with these options asks of the device that loads it.

    An engine for one compute capability (`sameComputeCapability`) needs no word of its own: any engine is offered to
    other cards of its capability where `--allow same-cc` says so, and this one only loses less by it.
    """
    asked = options.backend_options
    if target.backend in AHEAD_OF_TIME:
        return replace(requirement_from_target(target), compute_capabilities=cards_ahead(options))
    return requirement_from_target(
        target,
        hardware_compatible=asked.get("hardwareCompatibilityLevel") == "ampere+",
        version_compatible=asked.get("versionCompatible") is True,
    )
