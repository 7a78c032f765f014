"""The accelerators: what the CUDA driver says of them, and which CUDA is installed beside it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Optional, Tuple

from farm.protocol.facts import GpuFacts

from .machine import Machine

QUERY = Path(__file__).with_name("cuda_query.py")

_RUNTIME_WHEELS = (
    "nvidia-cuda-runtime",
    "nvidia-cuda-runtime-cu13",
    "nvidia-cuda-runtime-cu12",
    "nvidia-cuda-runtime-cu11",
)


@dataclass(frozen=True)
class CudaFacts:
    """What the driver said.

    Attributes:
        version: Newest CUDA that the driver serves, such as `12.4`.
        error: Why nothing could be asked; empty where it could.
    """

    gpus: Tuple[GpuFacts, ...] = ()
    version: Optional[str] = None
    error: str = ""


def probe_cuda(machine: Machine) -> CudaFacts:
    """Ask the driver in a process of its own; never raises."""
    # -I keeps this process's paths and settings out of it; the query needs the standard library alone.
    answer = machine.output(machine.interpreter, "-I", str(QUERY), timeout_s=30.0)
    if not answer:
        return CudaFacts(error="the query of the CUDA driver crashed or did not answer")
    told: Dict[str, Any] = json.loads(answer)
    if "error" in told:
        return CudaFacts(error=str(told["error"]))
    version = int(told["cuda"])
    gpus = tuple(_gpu(device) for device in told["devices"])
    return CudaFacts(gpus, f"{version // 1000}.{version % 1000 // 10}")


def cuda_runtime(machine: Machine) -> Optional[str]:
    """Major and minor version of the installed CUDA runtime, such as `11.4`: toolkit first, then wheels."""
    for text in (machine.text("/usr/local/cuda/version.json"), machine.text("/usr/local/cuda/version.txt")):
        found = re.search(r'"cuda"\s*:\s*\{[^}]*"version"\s*:\s*"(\d+\.\d+)', text) or re.search(
            r"CUDA Version (\d+\.\d+)", text
        )
        if found:
            return found.group(1)
    nvcc = machine.which("nvcc", "/usr/local/cuda/bin")
    release = re.search(r"release (\d+\.\d+)", machine.output(nvcc, "--version")) if nvcc else None
    if release:
        return release.group(1)
    for wheel in _RUNTIME_WHEELS:
        version = machine.package(wheel)
        if version:
            return ".".join(version.split(".")[:2])
    return None


def driver_version(machine: Machine) -> Optional[str]:
    """Version of the kernel module, such as `550.54.15`; None where it is not loaded or does not say."""
    first = machine.text("/proc/driver/nvidia/version").partition("\n")[0]
    found = re.search(r"\s(\d+(?:\.\d+)+)\s", first)
    return found.group(1) if found else None


def _gpu(told: Dict[str, Any]) -> GpuFacts:
    # The driver names a slice `NVIDIA H200 MIG 1g.18gb`; the card and the slice are two facts.
    name, _, profile = str(told["name"]).partition(" MIG ")
    return GpuFacts(
        name=name,
        compute_capability=str(told["compute_capability"]),
        memory_bytes=int(told["memory_bytes"]),
        sm_count=int(told["sm_count"]),
        uuid=card_uuid(str(told["uuid"]), bool(profile)),
        integrated=bool(told["integrated"]),
        mig_profile=profile or None,
    )


def card_uuid(digits: str, slice_of_card: bool) -> str:
    """Of the 32 digits that the driver tells, what NVML calls the card or the slice; empty where it tells none."""
    if not digits.strip("0"):
        return ""
    parts = (digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:])
    return ("MIG-" if slice_of_card else "GPU-") + "-".join(parts)
