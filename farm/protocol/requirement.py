"""EngineRequirement: what an engine asks of a device, and the predicate that says why a device is refused."""

from __future__ import annotations

from dataclasses import dataclass
from typing import List, Optional, Tuple

from .facts import DeviceFacts, GpuFacts
from .states import Word
from .target import CPU_BACKENDS, BuildTarget, GpuClass


class Tier(Word):
    """How well an engine fits, best first. `fetch` accepts `same-model` and better unless told otherwise."""

    EXACT = "exact"
    SAME_MODEL = "same-model"
    SAME_CC = "same-cc"
    HW_COMPAT = "hw-compat"
    VERSION_COMPAT = "version-compat"


TIERS = tuple(Tier)


@dataclass(frozen=True)
class EngineRequirement:
    """What an engine asks of the device that loads it.

    Attributes:
        backend_version: Exact version, unless `version_compatible`.
        gpu: The class it was timed on; None for a processor engine, and for one that was built ahead of time.
        compute_capabilities: All it carries code for; several where it was built ahead of time for them.
        hardware_compatible: Runs on every card from Ampere on, except on a Jetson.
        version_compatible: Loads in later runtimes of the same major version, and in those of the next one.
        instruction_sets: Of the processor, all of which the device must have.
    """

    backend: str
    backend_version: str
    platform: str
    gpu: Optional[GpuClass] = None
    compute_capabilities: Tuple[str, ...] = ()
    hardware_compatible: bool = False
    version_compatible: bool = False
    instruction_sets: Tuple[str, ...] = ()


@dataclass(frozen=True)
class Fit:
    """Whether an engine fits a device: a tier, or at least one refusal in one line each."""

    tier: Optional[Tier]
    refusals: Tuple[str, ...] = ()

    @property
    def fits(self) -> bool:
        """There is a tier and no refusal."""
        return self.tier is not None and not self.refusals


def requirement_from_target(
    target: BuildTarget, hardware_compatible: bool = False, version_compatible: bool = False
) -> EngineRequirement:
    """What an engine built for a target asks of a device."""
    return EngineRequirement(
        backend=target.backend,
        backend_version=target.backend_version,
        platform=target.platform,
        gpu=target.gpu,
        compute_capabilities=(target.gpu.compute_capability,) if target.gpu else (),
        hardware_compatible=hardware_compatible,
        version_compatible=version_compatible,
        instruction_sets=target.instruction_sets,
    )


def fit(requirement: EngineRequirement, facts: DeviceFacts) -> Fit:
    """How an engine with this requirement fits a device with these facts; never raises."""
    refusals: List[str] = []
    tiers = [Tier.EXACT]
    if facts.platform != requirement.platform:
        refusals.append(f"built for {requirement.platform}, this device is {facts.platform}")
    tiers.append(_version_tier(requirement, facts, refusals))
    if requirement.backend in CPU_BACKENDS:
        tiers.append(_processor_tier(requirement, facts, refusals))
    else:
        tiers.append(_gpu_tier(requirement, facts.gpus, refusals))
    if refusals:
        return Fit(None, tuple(refusals))
    return Fit(max(tiers, key=TIERS.index))


def _version_tier(requirement: EngineRequirement, facts: DeviceFacts, refusals: List[str]) -> Tier:
    offered = [backend.version for backend in facts.backends if backend.name in _loaders(requirement.backend)]
    if requirement.backend_version in offered:
        return Tier.EXACT
    if not offered:
        refusals.append(f"needs {requirement.backend} {requirement.backend_version}, this device has none")
    elif not (requirement.version_compatible and any(_later(v, requirement.backend_version) for v in offered)):
        has = ", ".join(offered)
        refusals.append(f"needs {requirement.backend} {requirement.backend_version}, this device has {has}")
    return Tier.VERSION_COMPAT


def _loaders(backend: str) -> Tuple[str, ...]:
    # trtexec and the Python binding are two doors to one runtime.
    return ("tensorrt", "trtexec") if backend in ("tensorrt", "trtexec") else (backend,)


# There was no TensorRT 9 for everybody: engines of 8 load in 10, those of 10 in 11, and nothing is carried further.
_NEXT_MAJOR = {8: 10, 10: 11}
# The oldest card of a hardware-compatible engine.
_AMPERE = (8, 0)


def _later(offered: str, needed: str) -> bool:
    have, want = _numbers(offered), _numbers(needed)
    return have >= want and have[0] in (want[0], _NEXT_MAJOR.get(want[0]))


def _numbers(version: str) -> Tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit()) or (0,)


def _processor_tier(requirement: EngineRequirement, facts: DeviceFacts, refusals: List[str]) -> Tier:
    missing = sorted(set(requirement.instruction_sets) - set(facts.cpu.instruction_sets))
    if missing:
        refusals.append(f"needs the instruction sets {', '.join(missing)}, this processor lacks them")
    same = set(requirement.instruction_sets) == set(facts.cpu.instruction_sets)
    return Tier.EXACT if same else Tier.SAME_MODEL


def _gpu_tier(requirement: EngineRequirement, gpus: Tuple[GpuFacts, ...], refusals: List[str]) -> Tier:
    wanted = requirement.gpu.name if requirement.gpu else "sm " + ", ".join(requirement.compute_capabilities)
    if not gpus:
        refusals.append(f"needs {wanted}, this device has no GPU")
        return Tier.HW_COMPAT
    tiers = [tier for tier in (_one_gpu_tier(requirement, gpu) for gpu in gpus) if tier is not None]
    if not tiers:
        refusals.append(f"built for {wanted}, this device has {', '.join(gpu.name for gpu in gpus)}")
        return Tier.HW_COMPAT
    return min(tiers, key=TIERS.index)


def _one_gpu_tier(requirement: EngineRequirement, gpu: GpuFacts) -> Optional[Tier]:
    built = requirement.gpu
    if built and (built.name, built.compute_capability, built.mig_profile) == (
        gpu.name,
        gpu.compute_capability,
        gpu.mig_profile,
    ):
        same = (built.sm_count, built.memory_bytes) == (gpu.sm_count, gpu.memory_bytes)
        return Tier.EXACT if same else Tier.SAME_MODEL
    if gpu.compute_capability in requirement.compute_capabilities:
        # Built ahead of time for such cards, it was timed on none: each is as good as any other.
        return Tier.SAME_CC if built else Tier.EXACT
    compatible = requirement.hardware_compatible and not gpu.integrated
    return Tier.HW_COMPAT if compatible and _numbers(gpu.compute_capability) >= _AMPERE else None
