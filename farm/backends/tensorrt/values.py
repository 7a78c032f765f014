"""Values of TensorRT's options, spelled as trtexec spells them, and what they are in its Python API."""

from __future__ import annotations

import re
from typing import Dict, FrozenSet, Tuple

POOLS = {
    "workspace": "WORKSPACE",
    "dlaSRAM": "DLA_MANAGED_SRAM",
    "dlaLocalDRAM": "DLA_LOCAL_DRAM",
    "dlaGlobalDRAM": "DLA_GLOBAL_DRAM",
    "tacticDRAM": "TACTIC_DRAM",
    "tacticSharedMem": "TACTIC_SHARED_MEMORY",
}
HARDWARE_LEVELS = {
    "none": "NONE",
    "ampere+": "AMPERE_PLUS",
    "sameComputeCapability": "SAME_COMPUTE_CAPABILITY",
}
VERBOSITIES = {"layer_names_only": "LAYER_NAMES_ONLY", "detailed": "DETAILED", "none": "NONE"}
# What `--tilingOptimizationLevel` counts.
TILING_LEVELS = ("NONE", "FAST", "MODERATE", "FULL")
# What TensorRT for RTX builds for; Turing must be asked for, and alone.
RTX_CARDS = ("7.5", "8.0", "8.6", "8.9", "12.0", "12.1")
RTX_DEFAULT_CARDS = ("8.0", "8.6", "8.9", "12.0")

_SIZE = re.compile(r"(\d+(?:\.\d+)?)([BKMG]?)")
_UNITS = {"B": 1, "K": 1 << 10, "M": 1 << 20, "G": 1 << 30, "": 1 << 20}
_CAPABILITY = re.compile(r"(?:sm)?(\d{1,2})\.?(\d)")


def memory_pools(text: str) -> Dict[str, int]:
    """Names of `MemoryPoolType` to bytes, from `workspace:1024,tacticSharedMem:48K`; MiB without a unit.

    Raises: ValueError: it names an unknown pool or no size.
    """
    sizes = {}
    for part in text.split(","):
        name, _, size = part.strip().partition(":")
        matched = _SIZE.fullmatch(size)
        if name not in POOLS or matched is None:
            raise ValueError(f"{part!r} is no size of a pool")
        sizes[POOLS[name]] = int(float(matched[1]) * _UNITS[matched[2]])
    return sizes


def tactic_sources(text: str, default: FrozenSet[str], known: FrozenSet[str]) -> FrozenSet[str]:
    """The sources that are on after `-CUBLAS,+CUDNN`: changes to those that are on by default.

    Raises: ValueError: it names an unknown source, or does not say on or off.
    """
    sources = set(default)
    for part in text.split(","):
        sign, name = part.strip()[:1], part.strip()[1:].upper()
        if sign not in ("+", "-") or name not in known:
            raise ValueError(f"{part!r} switches no source on or off")
        (sources.add if sign == "+" else sources.discard)(name)
    return frozenset(sources)


def compute_capabilities(text: str) -> Tuple[str, ...]:
    """`8.6,8.9` from itself, or from `sm86,sm89` or `86,89`.

    Raises: ValueError: it is no list of compute capabilities, or has one twice.
    """
    found = []
    for part in text.split(","):
        matched = _CAPABILITY.fullmatch(part.strip())
        if matched is None:
            raise ValueError(f"{part!r} is no compute capability")
        found.append(f"{int(matched[1])}.{matched[2]}")
    if len(set(found)) != len(found):
        raise ValueError(f"{text!r} has one twice")
    return tuple(found)
