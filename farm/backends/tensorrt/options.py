"""The options of TensorRT, by trtexec's names, and from which version on each can be honoured."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Dict, FrozenSet, Optional

from farm.protocol.options import Precision

from ..onnxruntime import quantizer
from ..option import Option, one_of, read, switch, whole
from .capabilities import SYMBOLS, TensorRtCapabilities, Typing
from .switches import SWITCHES, absence, has
from .values import HARDWARE_LEVELS, POOLS, RTX_CARDS, TILING_LEVELS, VERBOSITIES, compute_capabilities, memory_pools
from .values import tactic_sources as read_sources
from .version import spelled

# The name in the Python API that an option cannot do without.
_NEEDS: Dict[str, str] = {
    "builderOptimizationLevel": "IBuilderConfig.builder_optimization_level",
    "maxAuxStreams": "IBuilderConfig.max_aux_streams",
    "maxTactics": "IBuilderConfig.max_num_tactics",
    "tilingOptimizationLevel": "IBuilderConfig.tiling_optimization_level",
    "hardwareCompatibilityLevel": "IBuilderConfig.hardware_compatibility_level",
    "versionCompatible": "BuilderFlag.VERSION_COMPATIBLE",
    "excludeLeanRuntime": "BuilderFlag.EXCLUDE_LEAN_RUNTIME",
    "stripWeights": "BuilderFlag.STRIP_PLAN",
    "allowWeightStreaming": "BuilderFlag.WEIGHT_STREAMING",
    "errorOnTimingCacheMiss": "BuilderFlag.ERROR_ON_TIMING_CACHE_MISS",
    "noCompilationCache": "BuilderFlag.DISABLE_COMPILATION_CACHE",
}
# What TensorRT for RTX has names for and does not do: it times nothing, has no DLA, and its engines run on the cards
# they are told, with the version that built them.
_NOT_RTX: Dict[str, str] = {
    **dict.fromkeys(
        ("avgTiming", "tacticSources", "errorOnTimingCacheMiss", "maxTactics"), "it times no tactics while it builds"
    ),
    **dict.fromkeys(("useDLACore", "allowGPUFallback"), "it has no DLA"),
    **dict.fromkeys(
        ("versionCompatible", "excludeLeanRuntime"), "its engines run with the version that built them only"
    ),
    "hardwareCompatibilityLevel": "computeCapabilities says which cards its engines run on",
    "stripWeights": "ahead of time it keeps the weights",
    "refit": "ahead of time it keeps the weights",
    "allowWeightStreaming": "ahead of time it keeps the weights",
}


def tensorrt_options(backend: str, capabilities: TensorRtCapabilities) -> Dict[str, Option]:
    """Each option of `tensorrt`, `tensorrt_rtx` or `trtexec`, with the reason where this version cannot honour it."""
    rtx, found = capabilities.rtx, {}
    for name, option in _options(backend, capabilities).items():
        absent = _absent(name, capabilities)
        if not absent and backend == "trtexec" and name in SWITCHES and not has(name, capabilities):
            absent = absence(name)
        found[name] = replace(option, absent=absent)
    found["computeCapabilities"] = replace(
        read(f"compute capabilities such as 8.6,8.9 of {', '.join(RTX_CARDS)}; 7.5 alone", _cards),
        absent="" if rtx else "it builds for the card it runs on",
    )
    return found


def _options(backend: str, capabilities: TensorRtCapabilities) -> Dict[str, Option]:
    can = capabilities
    pools = {name for name, member in POOLS.items() if member in can.memory_pools}
    if backend == "trtexec":
        pools.discard("tacticDRAM")
    levels = tuple(name for name, member in HARDWARE_LEVELS.items() if member in can.hardware_compatibility_levels)
    sources = partial(read_sources, default=can.default_tactic_sources, known=can.tactic_sources)
    verbosities = tuple(VERBOSITIES)
    return {
        "memPoolSize": read(
            f"sizes such as workspace:1024 (MiB, or with B, K, M, G) of {', '.join(sorted(pools))}",
            partial(_pools_of, frozenset(POOLS[name] for name in pools)),
        ),
        "builderOptimizationLevel": whole(0, 5),
        "maxAuxStreams": whole(0, 64),
        "avgTiming": whole(1, 1024),
        "maxTactics": whole(1, 1 << 30),
        "tilingOptimizationLevel": whole(0, len(TILING_LEVELS) - 1),
        "tacticSources": read(f"changes such as -CUBLAS,+CUDNN of {', '.join(sorted(can.tactic_sources))}", sources),
        "sparsity": one_of(("disable", "enable")),
        "hardwareCompatibilityLevel": one_of(levels),
        "versionCompatible": switch(),
        "excludeLeanRuntime": switch(),
        "refit": switch(),
        "stripWeights": switch(),
        "allowWeightStreaming": switch(),
        "useDLACore": whole(0, 1),
        "allowGPUFallback": switch(),
        "directIO": switch(),
        "errorOnTimingCacheMiss": switch(),
        "noCompilationCache": switch(),
        "profilingVerbosity": one_of(verbosities),
        "verbose": switch(),
        **quantizer(Precision.INT8, Precision.FP8, Precision.BEST),
        **({"ownBenchmark": switch()} if backend == "trtexec" else {}),
    }


def _absent(name: str, capabilities: TensorRtCapabilities) -> str:
    if capabilities.rtx and name in _NOT_RTX:
        return _NOT_RTX[name]
    needed: Optional[str] = _NEEDS.get(name)
    if needed is not None and not capabilities.has(needed):
        return f"it begins with TensorRT {spelled(SYMBOLS[needed].since)}"
    if name in ("useDLACore", "allowGPUFallback") and not capabilities.dla:
        return "its builder knows no DLA"
    if name == "allowWeightStreaming" and capabilities.typing is not Typing.STRONG:
        return "only where precision lies in the graph, from TensorRT 11 on, can weights be streamed"
    return ""


def _pools_of(known: FrozenSet[str], text: str) -> None:
    unknown = set(memory_pools(text)) - known
    if unknown:
        raise ValueError(f"no pool {', '.join(unknown)}")


def _cards(text: str) -> None:
    found = compute_capabilities(text)
    if set(found) - set(RTX_CARDS) or ("7.5" in found and len(found) > 1):
        raise ValueError("TensorRT for RTX does not build for these together")
