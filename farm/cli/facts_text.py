"""The facts of a device in words."""

from __future__ import annotations

from typing import List, Tuple

from farm.protocol.facts import DeviceFacts, GpuFacts

from .format import CellLike, size


def facts_fields(facts: DeviceFacts) -> List[Tuple[str, CellLike]]:
    """Names and values of what was measured; what is absent has an empty value."""
    jetson = " ".join(item for item in (facts.l4t and f"L4T {facts.l4t}", facts.jetpack) if item)
    return [
        ("host", facts.hostname),
        ("platform", f"{facts.platform}, {facts.os}, {facts.libc}, Python {facts.python}"),
        ("processor", f"{facts.cpu.model}, {facts.cpu.cores} cores"),
        ("instruction sets", ", ".join(facts.cpu.instruction_sets)),
        ("memory", size(facts.memory_bytes)),
        ("GPUs", "\n".join(gpu_text(gpu) for gpu in facts.gpus)),
        ("backends", ", ".join(f"{item.name} {item.version}" for item in facts.backends)),
        ("driver", facts.driver or ""),
        ("CUDA", facts.cuda or ""),
        ("Jetson", jetson),
        ("power mode", facts.power_mode or ""),
        ("compilers", ", ".join(f"{name} {version}" for name, version in facts.toolchain.items())),
        ("host tools", ", ".join(f"{name} {version}" for name, version in facts.host_tools.items())),
        ("container", facts.container or ""),
    ]


def gpu_text(gpu: GpuFacts) -> str:
    """Name, architecture and size of a card."""
    parts = [gpu.name, f"sm {gpu.compute_capability}", size(gpu.memory_bytes)]
    if gpu.sm_count:
        parts.append(f"{gpu.sm_count} SMs")
    if gpu.mig_profile:
        parts.append(f"MIG {gpu.mig_profile}")
    return ", ".join(parts)
