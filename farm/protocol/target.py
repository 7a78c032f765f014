"""BuildTarget: what an engine is built for. Derived from facts, and from nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Dict, Optional, Tuple

from .facts import BackendFacts, DeviceFacts, GpuFacts

# Builders that make engines for the processor; all others make them for an accelerator.
CPU_BACKENDS = frozenset({"onnxruntime"})
# Builders that make engines for a set of accelerators without having one.
AHEAD_OF_TIME = frozenset({"tensorrt_rtx"})

# What people call a processor by: the widest vectors it has.
_WIDEST_FIRST = ("avx512f", "avx2", "avx", "sse4_2", "sve2", "sve", "asimdhp", "asimd")


@dataclass(frozen=True)
class GpuClass:
    """What of a card an engine depends on: two cards of one class run each other's engines at the same speed."""

    name: str
    compute_capability: str
    sm_count: int = 0
    memory_bytes: int = 0
    mig_profile: Optional[str] = None


@dataclass(frozen=True)
class BuildTarget:
    """Backend, toolchain and hardware class that an engine is built for.

    Attributes:
        backend: Name of the builder.
        backend_version: Full version of its runtime.
        backend_detail: What else of the runtime changes its engines.
        gpu: None for a processor target, and for one that is built ahead of time.
        instruction_sets: Of the processor; empty for an accelerator target, whose engine does not depend on them.
        toolchain: Versions of what compiles plugins for it.
    """

    backend: str
    backend_version: str
    platform: str
    libc: str
    backend_detail: Dict[str, str] = field(default_factory=dict)
    gpu: Optional[GpuClass] = None
    instruction_sets: Tuple[str, ...] = ()
    cuda: Optional[str] = None
    driver: Optional[str] = None
    l4t: Optional[str] = None
    power_mode: Optional[str] = None
    toolchain: Dict[str, str] = field(default_factory=dict)

    def label(self) -> str:
        """A short name for people, such as `Tesla V100 · tensorrt 10.4.0`; not an identity."""
        hardware = f"cpu {self._widest()}" if self.card == "cpu" else self.card
        return f"{hardware} · {self.backend} {self.backend_version}"

    @property
    def card(self) -> str:
        """The name of the card; `cpu` for a processor, `ahead of time` where there is neither."""
        if self.gpu:
            return self.gpu.name
        return "ahead of time" if self.backend in AHEAD_OF_TIME else "cpu"

    def _widest(self) -> str:
        known = [name for name in _WIDEST_FIRST if name in self.instruction_sets]
        return (known or list(self.instruction_sets) or [self.platform])[0]


def targets_from_facts(facts: DeviceFacts) -> Tuple[BuildTarget, ...]:
    """Every distinct target a device can build for: each runtime on each accelerator, or on none."""
    targets = []
    for backend in facts.backends:
        if backend.name in CPU_BACKENDS:
            targets.append(_cpu_target(facts, backend))
        elif backend.name in AHEAD_OF_TIME:
            targets.append(_target_ahead(facts, backend))
        else:
            targets.extend(_gpu_target(facts, backend, gpu) for gpu in facts.gpus)
    unique = []
    for target in targets:
        if target not in unique:
            unique.append(target)
    return tuple(unique)


def _cpu_target(facts: DeviceFacts, backend: BackendFacts) -> BuildTarget:
    return replace(_target_ahead(facts, backend), instruction_sets=facts.cpu.instruction_sets)


def _target_ahead(facts: DeviceFacts, backend: BackendFacts) -> BuildTarget:
    # Where such an engine is built changes nothing in it: every machine with this version builds for one target.
    return BuildTarget(
        backend=backend.name,
        backend_version=backend.version,
        backend_detail=backend.detail,
        platform=facts.platform,
        libc=backend.image.libc if backend.image else facts.libc,
    )


def _gpu_target(facts: DeviceFacts, backend: BackendFacts, gpu: GpuFacts) -> BuildTarget:
    around = backend.image or facts
    return replace(
        _target_ahead(facts, backend),
        gpu=GpuClass(gpu.name, gpu.compute_capability, gpu.sm_count, gpu.memory_bytes, gpu.mig_profile),
        cuda=around.cuda,
        driver=facts.driver,
        l4t=facts.l4t,
        power_mode=facts.power_mode,
        toolchain=around.toolchain,
    )
