from __future__ import annotations

import dataclasses
import struct
from pathlib import Path
from typing import Dict

import pytest

from farm.device.cpu import probe_cpu
from farm.device.machine import Machine

from .recorded_machine import machine_of, recorded


def machine(root: Path, architecture: str, files: Dict[str, bytes]) -> Machine:
    for name, data in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return machine_of(root, {"architecture": architecture, "libc": "glibc-2.31", "python": "3.9.2", "cores": 2})


def x86(*flags: str) -> bytes:
    blocks = (f"processor\t: {index}\nmodel name\t: A  CPU\nflags\t\t: {line}" for index, line in enumerate(flags))
    return "\n\n".join(blocks).encode() + b"\n"


def test_only_sets_that_matter_are_kept_sorted(tmp_path: Path) -> None:
    facts = probe_cpu(machine(tmp_path, "x86_64", {"/proc/cpuinfo": x86("fpu mmx fma avx2 avx sse4_2 amx_int8")}))
    assert facts.instruction_sets == ("amx_int8", "avx", "avx2", "fma", "sse4_2")
    assert facts.model == "A CPU"


def test_a_set_counts_only_if_every_processor_has_it(tmp_path: Path) -> None:
    facts = probe_cpu(machine(tmp_path, "x86_64", {"/proc/cpuinfo": x86("avx avx2 avx512f", "avx avx2")}))
    assert facts.instruction_sets == ("avx", "avx2")


def test_arm_processors_are_named_by_their_part_number(tmp_path: Path) -> None:
    orin = b"processor : 0\nFeatures : fp asimd fphp asimddp asimdhp\nCPU implementer : 0x41\nCPU part : 0xd42\n"
    assert probe_cpu(machine(tmp_path, "aarch64", {"/proc/cpuinfo": orin})).model == "Arm Cortex-A78AE"
    assert probe_cpu(recorded("xavier")).model == "NVIDIA Carmel"


def test_emulated_arm_takes_its_sets_from_the_auxiliary_vector(tmp_path: Path) -> None:
    # Under user emulation the processor list is that of the x86 machine below.
    vector = struct.pack("<QQQQQQ", 16, 1 << 1 | 1 << 10 | 1 << 20, 26, 1 << 13, 0, 0)
    files = {"/proc/cpuinfo": x86("avx2 fma"), "/proc/self/auxv": vector}
    facts = probe_cpu(machine(tmp_path, "aarch64", files))
    assert facts.instruction_sets == ("asimd", "asimddp", "asimdhp", "i8mm")


@pytest.mark.parametrize("length", [0, 7, 23])
def test_a_cut_auxiliary_vector_is_no_error(tmp_path: Path, length: int) -> None:
    files = {"/proc/self/auxv": struct.pack("<QQ", 16, 2).ljust(32, b"\0")[:length]}
    sets = probe_cpu(machine(tmp_path, "aarch64", files)).instruction_sets
    assert sets == (("asimd",) if length == 23 else ())


def test_cores_are_those_this_process_may_use() -> None:
    assert probe_cpu(dataclasses.replace(recorded("v100"), cores=3)).cores == 3
