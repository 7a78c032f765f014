"""The processor: its name, the cores this process may use, and the instruction sets that matter to builders."""

from __future__ import annotations

import re
import struct
from typing import Dict, FrozenSet, Iterator, List

from farm.protocol.facts import CpuFacts

from .machine import Machine

# As the Linux kernel spells them, which is also how engines name what they need.
X86_SETS = frozenset(
    (
        *("sse4_2", "avx", "avx2", "fma", "f16c", "avx_vnni"),
        *("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl", "avx512_vnni", "avx512_bf16", "avx512_fp16"),
        *("amx_tile", "amx_int8", "amx_bf16"),
    )
)
ARM_SETS = frozenset(("asimd", "asimddp", "asimdfhm", "asimdhp", "fphp", "sve", "sve2", "i8mm", "bf16"))

_AT_HWCAP, _AT_HWCAP2 = 16, 26
# Bit numbers of the kernel's uapi/asm/hwcap.h for arm64.
_HWCAP_BITS = {"asimd": 1, "fphp": 9, "asimdhp": 10, "asimddp": 20, "sve": 22, "asimdfhm": 23}
_HWCAP2_BITS = {"sve2": 1, "i8mm": 13, "bf16": 14}

# (implementer, part): Arm processors do not tell their name.
_ARM_PARTS = {
    ("0x4e", "0x003"): "NVIDIA Denver 2",
    ("0x4e", "0x004"): "NVIDIA Carmel",
    ("0x41", "0xd03"): "Arm Cortex-A53",
    ("0x41", "0xd07"): "Arm Cortex-A57",
    ("0x41", "0xd0c"): "Arm Neoverse N1",
    ("0x41", "0xd40"): "Arm Neoverse V1",
    ("0x41", "0xd42"): "Arm Cortex-A78AE",
    ("0x41", "0xd49"): "Arm Neoverse N2",
    ("0x41", "0xd4f"): "Arm Neoverse V2",
    ("0x41", "0xd83"): "Arm Neoverse V3AE",
}


def probe_cpu(machine: Machine) -> CpuFacts:
    """The processor. An instruction set counts only if every processor of the machine has it."""
    processors = list(_processors(machine.text("/proc/cpuinfo")))
    return CpuFacts(
        model=_model(processors, machine.architecture),
        cores=machine.cores,
        instruction_sets=tuple(sorted(_instruction_sets(processors, machine))),
    )


def _processors(text: str) -> Iterator[Dict[str, str]]:
    for block in re.split(r"\n\s*\n", text):
        pairs = (line.partition(":") for line in block.splitlines())
        found = {key.strip().lower(): value.strip() for key, colon, value in pairs if colon}
        if "processor" in found:
            yield found


def _model(processors: List[Dict[str, str]], architecture: str) -> str:
    for processor in processors:
        part = (processor.get("cpu implementer", ""), processor.get("cpu part", ""))
        name = _ARM_PARTS.get(part) or processor.get("model name")
        if name:
            return re.sub(r"\s+", " ", name)
    return architecture


def _instruction_sets(processors: List[Dict[str, str]], machine: Machine) -> FrozenSet[str]:
    line, known = ("features", ARM_SETS) if machine.architecture == "aarch64" else ("flags", X86_SETS)
    told = [frozenset(processor[line].split()) for processor in processors if line in processor]
    if told:
        return known & frozenset.intersection(*told)
    # An emulated process reads the processor list of the machine below, but an auxiliary vector of its own.
    return _from_auxiliary_vector(machine) if machine.architecture == "aarch64" else frozenset()


def _from_auxiliary_vector(machine: Machine) -> FrozenSet[str]:
    data = machine.data("/proc/self/auxv")
    words: Dict[int, int] = dict(struct.iter_unpack("<QQ", data[: len(data) - len(data) % 16]))
    first, second = words.get(_AT_HWCAP, 0), words.get(_AT_HWCAP2, 0)
    return frozenset(
        [name for name, bit in _HWCAP_BITS.items() if first >> bit & 1]
        + [name for name, bit in _HWCAP2_BITS.items() if second >> bit & 1]
    )
