"""Driver, CUDA, TensorRT and disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Iterator, List

from farm.protocol.facts import BackendFacts, DeviceFacts

from ..cuda import CudaFacts
from ..machine import Machine
from .check import Check, fail, ok, warn
from .generations import numbers, tensorrt_problem

_GIB = 1 << 30
_FULL_BYTES, _TIGHT_BYTES = 2 * _GIB, 20 * _GIB
_ONLY_CPU = "Nothing, if this machine builds for its processor only; else install NVIDIA's driver."


def check_hardware(machine: Machine, facts: DeviceFacts, cuda: CudaFacts, folder: Path) -> Iterator[Check]:
    """What the machine is made of."""
    yield check_driver(facts, cuda)
    yield check_cuda(facts)
    yield check_tensorrt(machine, facts)
    yield check_disk(folder)


def check_driver(facts: DeviceFacts, cuda: CudaFacts) -> Check:
    """A card that the driver shows; a driver that is loaded but answers with an error fails."""
    if facts.gpus:
        cards = ", ".join(f"{gpu.name} (sm {gpu.compute_capability})" for gpu in facts.gpus)
        version = facts.driver or (f"L4T {facts.l4t}" if facts.l4t else "unknown")
        return ok("driver", f"{cards}, driver {version}")
    if facts.driver or facts.l4t:
        return fail(
            "driver",
            f"the driver is loaded but shows no card: {cuda.error or 'CUDA_VISIBLE_DEVICES hides them all'}",
            "Reboot after a driver update; in a container pass --gpus all (Jetson: --runtime nvidia).",
        )
    return warn("driver", f"no NVIDIA card: {cuda.error}", _ONLY_CPU)


def check_cuda(facts: DeviceFacts) -> Check:
    """A CUDA runtime that the driver can serve."""
    if not facts.gpus:
        return ok("CUDA", f"{facts.cuda or 'none'}, not needed without a card")
    if facts.cuda is None:
        return warn("CUDA", "no toolkit and no runtime wheel", "Install the CUDA toolkit to compile plugins.")
    # Minor versions of one generation serve each other; a newer generation does not run on an older driver.
    if facts.cuda_driver and numbers(facts.cuda)[0] > numbers(facts.cuda_driver)[0]:
        return fail(
            "CUDA",
            f"CUDA {facts.cuda} on a driver that serves {facts.cuda_driver}",
            f"Update the driver, or install CUDA {numbers(facts.cuda_driver)[0]}.",
        )
    return ok("CUDA", f"{facts.cuda}, the driver serves {facts.cuda_driver}")


def check_tensorrt(machine: Machine, facts: DeviceFacts) -> Check:
    """A TensorRT that imports and knows this card."""
    runtimes = [backend for backend in facts.backends if backend.name.startswith(("tensorrt", "trtexec"))]
    if not runtimes:
        return _no_tensorrt(machine, facts)
    found = ", ".join(f"{backend.name} {backend.version}" for backend in runtimes)
    problems = _problems(facts, runtimes)
    if problems:
        return fail("TensorRT", f"{found}: {problems[0]}", "Install the version that fits the card.")
    return ok("TensorRT", found)


def check_disk(folder: Path) -> Check:
    """Room for models, engines and the cache of blobs where the farm keeps its files."""
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    free = shutil.disk_usage(place).free
    found = f"{free / _GIB:.1f} GiB free at {place}"
    if free < _FULL_BYTES:
        return fail("disk", found, "Free some space: farm gc on the coordinator, or a larger disk.")
    if free < _TIGHT_BYTES:
        return warn("disk", found, "Keep 20 GiB free: a build of a large model needs several times its size.")
    return ok("disk", found)


def _no_tensorrt(machine: Machine, facts: DeviceFacts) -> Check:
    installed = next((name for name in ("tensorrt", "tensorrt_rtx") if machine.module(name)), None)
    if installed:
        return fail(
            "TensorRT",
            f"the {installed} package is installed but does not import",
            f"Run python -c 'import {installed}' and mend what it names: usually the library or the driver.",
        )
    if not facts.gpus:
        return ok("TensorRT", "none, not needed without a card")
    if facts.l4t:
        return warn(
            "TensorRT", "none", "Run apt install tensorrt, and make the environment with --system-site-packages."
        )
    return warn("TensorRT", "none", "Install the TensorRT wheels or packages that fit the card; see docs/graph.md.")


def _problems(facts: DeviceFacts, runtimes: List[BackendFacts]) -> List[str]:
    told = (
        tensorrt_problem(gpu.compute_capability, backend.version)
        for backend in runtimes
        if backend.name != "tensorrt_rtx"
        for gpu in facts.gpus
    )
    return [problem for problem in told if problem]
