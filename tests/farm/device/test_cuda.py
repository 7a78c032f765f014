from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict

import pytest

from farm.device.cuda import cuda_runtime, driver_version, probe_cuda
from farm.device.machine import Machine

from .recorded_machine import machine_of, recorded

BARE: Dict[str, Any] = {"architecture": "x86_64", "libc": "glibc-2.36", "python": "3.9.2", "cores": 2}


def answering(root: Path, answer: Any) -> Machine:
    return machine_of(root, {**BARE, "commands": {"cuda_query": json.dumps(answer)}})


def test_a_slice_is_a_card_with_a_profile(tmp_path: Path) -> None:
    device = {
        "name": "NVIDIA H200 MIG 1g.18gb",
        "compute_capability": "9.0",
        "sm_count": 16,
        "integrated": False,
        "memory_bytes": 1,
        "uuid": "abfff6f04f8710f36fcaf639c70618bc",
    }
    (gpu,) = probe_cuda(answering(tmp_path, {"cuda": 12040, "devices": [device]})).gpus
    assert (gpu.name, gpu.mig_profile) == ("NVIDIA H200", "1g.18gb")
    assert gpu.uuid == "MIG-abfff6f0-4f87-10f3-6fca-f639c70618bc"


def test_the_query_really_runs_and_says_why_it_has_nothing_or_what_it_has() -> None:
    facts = probe_cuda(Machine())
    assert bool(facts.error) != bool(facts.version)


def test_a_query_that_dies_is_no_gpu_with_a_reason(tmp_path: Path) -> None:
    facts = probe_cuda(machine_of(tmp_path, BARE))
    assert facts.gpus == ()
    assert "crashed" in facts.error


def test_what_the_driver_refuses_is_told(tmp_path: Path) -> None:
    facts = probe_cuda(answering(tmp_path, {"error": "cuInit answered 803 (CUDA_ERROR_SYSTEM_DRIVER_MISMATCH)"}))
    assert facts.error.endswith("(CUDA_ERROR_SYSTEM_DRIVER_MISMATCH)")


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.54.15  Tue Mar  5 22:23:56 UTC 2024", "550.54.15"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.159.04  Release Build  (x@)", "580.159.04"),
        ("", None),
    ],
)
def test_driver_version_from_the_kernel_module(tmp_path: Path, first: str, expected: str) -> None:
    path = tmp_path / "proc/driver/nvidia/version"
    path.parent.mkdir(parents=True)
    path.write_text(first + "\nGCC version:  gcc version 12.2.0\n")
    assert driver_version(machine_of(tmp_path, BARE)) == expected


def test_the_runtime_comes_from_the_toolkit_else_from_a_wheel(tmp_path: Path) -> None:
    assert cuda_runtime(recorded("xavier")) == "11.4"
    assert cuda_runtime(recorded("h200")) == "13.0"
    wheels = machine_of(tmp_path, {**BARE, "packages": {"nvidia-cuda-runtime-cu12": "12.9.79"}})
    assert cuda_runtime(wheels) == "12.9"
    assert cuda_runtime(machine_of(tmp_path, BARE)) is None
