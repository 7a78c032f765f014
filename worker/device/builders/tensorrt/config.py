"""From the options of an order to TensorRT's configuration: each is set, or the build has refused it before."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Optional, Tuple

from ..base import BuildOrder
from .ladder import Rung
from .library import Assembly
from .precision import FLAGS, meaning
from .profiles import add_profiles

# Where `memPoolSize` names a pool as trtexec does.
_POOLS = {
    "workspace": "WORKSPACE",
    "dlaSRAM": "DLA_MANAGED_SRAM",
    "dlaLocalDRAM": "DLA_LOCAL_DRAM",
    "dlaGlobalDRAM": "DLA_GLOBAL_DRAM",
    "tacticDRAM": "TACTIC_DRAM",
    "tacticSharedMem": "TACTIC_SHARED_MEMORY",
}
_SWITCHES = {
    "refit": "REFIT",
    "stripWeights": "STRIP_PLAN",
    "versionCompatible": "VERSION_COMPATIBLE",
    "excludeLeanRuntime": "EXCLUDE_LEAN_RUNTIME",
    "directIO": "DIRECT_IO",
    "allowGPUFallback": "GPU_FALLBACK",
}
_NUMBERS = {
    "avgTiming": "avg_timing_iterations",
    "maxAuxStreams": "max_aux_streams",
    "maxTactics": "max_num_tactics",
}
_LEVELS = {
    "hardwareCompatibilityLevel": ("hardware_compatibility_level", "HardwareCompatibilityLevel"),
    "tilingOptimizationLevel": ("tiling_optimization_level", "TilingOptimizationLevel"),
}


def asked(order: BuildOrder) -> Rung:
    """The memory and effort that the options ask for."""
    options = order.options.backend_options
    sources = options.get("tacticSources")
    return Rung(
        "as asked",
        workspace_bytes=pools(options).get("WORKSPACE"),
        level=options.get("builderOptimizationLevel"),
        tactic_sources=None if sources is None else tuple(item for item in sources.split(",") if item),
    )


def configure(assembly: Assembly, order: BuildOrder, rung: Rung) -> Tuple[Any, Dict[str, Any]]:
    """The configuration of one rung, and what of it belongs into the manifest.

    Raises: Invalid: TensorRT refuses a profile.
    """
    trt, options = assembly.trt, order.options.backend_options
    config = assembly.new_config()
    told: Dict[str, Any] = {}
    told.update(_precision(assembly, config, order))
    for name, size in {**pools(options), **_workspace(rung)}.items():
        config.set_memory_pool_limit(getattr(trt.MemoryPoolType, name), size)
        told[f"{name.lower()}_bytes"] = size
    if rung.level is not None:
        config.builder_optimization_level = told["optimization_level"] = rung.level
    if rung.tactic_sources is not None:
        config.set_tactic_sources(sum(1 << int(getattr(trt.TacticSource, name)) for name in rung.tactic_sources))
        told["tactic_sources"] = list(rung.tactic_sources)
    _effort(trt, config, options)
    _switches(trt, config, options)
    capabilities = compute_capabilities(order)
    if "computeCapabilities" in options:
        _target(trt, config, capabilities)
    add_profiles(assembly.builder, assembly.network, config, order)
    return config, told


def pools(options: Mapping[str, Any]) -> Dict[str, int]:
    """Name in `MemoryPoolType` to bytes, from `workspace:1024,tacticDRAM:512`, whose sizes are MiB."""
    parts = [item.split(":") for item in str(options.get("memPoolSize", "")).split(",") if item]
    return {_POOLS[name]: int(float(size) * (1 << 20)) for name, size in parts}


def compute_capabilities(order: BuildOrder) -> Tuple[str, ...]:
    """Those an engine built ahead of time is asked to run on; TensorRT for RTX's own choice where nothing is."""
    text: Optional[str] = order.options.backend_options.get("computeCapabilities")
    return DEFAULT_CAPABILITIES if text is None else tuple(text.split(","))


# What TensorRT for RTX 1.5 to 1.7 build for unless told otherwise; Turing has to be asked for, and alone.
DEFAULT_CAPABILITIES = ("8.0", "8.6", "8.9", "12.0")


def _workspace(rung: Rung) -> Dict[str, int]:
    return {} if rung.workspace_bytes is None else {"WORKSPACE": rung.workspace_bytes}


def _precision(assembly: Assembly, config: Any, order: BuildOrder) -> Dict[str, Any]:
    """Set the flags of the precision and clear its other ones: TF32 is on unless somebody clears it."""
    means = meaning(order.options.precision, assembly.capabilities)
    for name in FLAGS:
        if name in assembly.capabilities.builder_flags:
            flag = getattr(assembly.trt.BuilderFlag, name)
            (config.set_flag if name in means.flags else config.clear_flag)(flag)
    return {"precision": means.told, "precision_flags": list(means.flags)}


def _effort(trt: Any, config: Any, options: Mapping[str, Any]) -> None:
    for name, attribute in _NUMBERS.items():
        if name in options:
            setattr(config, attribute, options[name])
    for name, (attribute, kind) in _LEVELS.items():
        if name in options:
            setattr(config, attribute, getattr(getattr(trt, kind), options[name].upper()))


def _switches(trt: Any, config: Any, options: Mapping[str, Any]) -> None:
    for name, flag in _SWITCHES.items():
        if options.get(name):
            config.set_flag(getattr(trt.BuilderFlag, flag))
    if options.get("sparsity") == "enable":
        config.set_flag(trt.BuilderFlag.SPARSE_WEIGHTS)
    if "useDLACore" in options:
        config.default_device_type = trt.DeviceType.DLA
        config.DLA_core = options["useDLACore"]
    # Names of layers cost a few kilobytes, and without them no profile can be read.
    verbosity = options.get("profilingVerbosity", "detailed").upper()
    config.profiling_verbosity = getattr(trt.ProfilingVerbosity, verbosity)


def _target(trt: Any, config: Any, capabilities: Tuple[str, ...]) -> None:
    config.num_compute_capabilities = len(capabilities)
    for index, capability in enumerate(capabilities):
        config.set_compute_capability(getattr(trt.ComputeCapability, f"SM{capability.replace('.', '')}"), index)
