"""Targets for the tests of the rules."""

from __future__ import annotations

from farm.protocol.target import BuildTarget, GpuClass


def target(backend: str = "tensorrt", version: str = "10.4.0", sm: str | None = "7.0") -> BuildTarget:
    """A card with TensorRT, or a processor where there is no compute capability."""
    gpu = GpuClass("card", sm) if sm else None
    return BuildTarget(backend, version, "linux-x86_64", "glibc-2.36", gpu=gpu)
