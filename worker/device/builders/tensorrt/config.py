"""From the options of an order to TensorRT's configuration: each is set, or the build has refused it before."""

from __future__ import annotations

from typing import Any, Dict, Mapping, Tuple

from farm.backends.tensorrt import values
from farm.backends.tensorrt.capabilities import TensorRtCapabilities
from farm.backends.tensorrt.hardware import cards_ahead
from farm.backends.tensorrt.precision import FLAGS, Meaning

from ..base import BuildOrder
from .ladder import Rung
from .library import Assembly
from .profiles import add_profiles

_SWITCHES = {
    "refit": "REFIT",
    "stripWeights": "STRIP_PLAN",
    "allowWeightStreaming": "WEIGHT_STREAMING",
    "versionCompatible": "VERSION_COMPATIBLE",
    "excludeLeanRuntime": "EXCLUDE_LEAN_RUNTIME",
    "directIO": "DIRECT_IO",
    "allowGPUFallback": "GPU_FALLBACK",
    "errorOnTimingCacheMiss": "ERROR_ON_TIMING_CACHE_MISS",
    "noCompilationCache": "DISABLE_COMPILATION_CACHE",
}
_NUMBERS = {
    "avgTiming": "avg_timing_iterations",
    "maxAuxStreams": "max_aux_streams",
    "maxTactics": "max_num_tactics",
}

# Without it TensorRT refuses a network with such a plugin; older ones have no plugins that could.
_ALIASES = "ALIASED_PLUGIN_IO_10_03"


def asked(order: BuildOrder, capabilities: TensorRtCapabilities) -> Rung:
    """The memory and effort that the options ask for."""
    options = order.options.backend_options
    sources = None
    if "tacticSources" in options:
        default, known = capabilities.default_tactic_sources, capabilities.tactic_sources
        sources = tuple(sorted(values.tactic_sources(options["tacticSources"], default, known)))
    return Rung(
        "as asked",
        workspace_bytes=_pools(options).get("WORKSPACE"),
        level=options.get("builderOptimizationLevel"),
        tactic_sources=sources,
    )


def configure(assembly: Assembly, order: BuildOrder, means: Meaning, rung: Rung) -> Tuple[Any, Dict[str, Any]]:
    """The configuration of one rung, and what of it belongs into the manifest.

    Raises: Invalid: TensorRT refuses a profile.
    """
    trt, options = assembly.trt, order.options.backend_options
    config = assembly.new_config()
    told: Dict[str, Any] = {"precision": means.told, "precision_flags": list(means.flags)}
    _precision(assembly, config, means)
    for name, size in {**_pools(options), **_workspace(rung)}.items():
        config.set_memory_pool_limit(getattr(trt.MemoryPoolType, name), size)
        told[f"{name.lower()}_bytes"] = size
    if rung.level is not None:
        config.builder_optimization_level = told["optimization_level"] = rung.level
    if rung.tactic_sources is not None:
        config.set_tactic_sources(sum(1 << int(getattr(trt.TacticSource, name)) for name in rung.tactic_sources))
        told["tactic_sources"] = list(rung.tactic_sources)
    _effort(trt, config, options)
    _switches(trt, config, options)
    told.update(_previews(assembly, config))
    if assembly.capabilities.compute_capabilities:
        _target(trt, config, cards_ahead(order.options))
    add_profiles(assembly.builder, assembly.network, config, order)
    return config, told


def _pools(options: Mapping[str, Any]) -> Dict[str, int]:
    return values.memory_pools(options["memPoolSize"]) if "memPoolSize" in options else {}


def _workspace(rung: Rung) -> Dict[str, int]:
    return {} if rung.workspace_bytes is None else {"WORKSPACE": rung.workspace_bytes}


def _precision(assembly: Assembly, config: Any, means: Meaning) -> None:
    """Set the flags of the precision and clear its other ones: TF32 is on unless somebody clears it."""
    for name in FLAGS:
        if name in assembly.capabilities.builder_flags:
            flag = getattr(assembly.trt.BuilderFlag, name)
            (config.set_flag if name in means.flags else config.clear_flag)(flag)


def _effort(trt: Any, config: Any, options: Mapping[str, Any]) -> None:
    for name, attribute in _NUMBERS.items():
        if name in options:
            setattr(config, attribute, options[name])
    if "hardwareCompatibilityLevel" in options:
        level = values.HARDWARE_LEVELS[options["hardwareCompatibilityLevel"]]
        config.hardware_compatibility_level = getattr(trt.HardwareCompatibilityLevel, level)
    if "tilingOptimizationLevel" in options:
        level = values.TILING_LEVELS[options["tilingOptimizationLevel"]]
        config.tiling_optimization_level = getattr(trt.TilingOptimizationLevel, level)


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
    verbosity = values.VERBOSITIES[options.get("profilingVerbosity", "detailed")]
    config.profiling_verbosity = getattr(trt.ProfilingVerbosity, verbosity)


def _previews(assembly: Assembly, config: Any) -> Dict[str, Any]:
    """Let plugins put outputs in the place of inputs, where there are some; each says by itself whether it does."""
    trt, can = assembly.trt, assembly.capabilities
    if _ALIASES not in can.words("PreviewFeature") or not _has_plugins(trt, assembly.network):
        return {}
    config.set_preview_feature(getattr(trt.PreviewFeature, _ALIASES), True)
    return {"preview_features": [_ALIASES]}


def _has_plugins(trt: Any, network: Any) -> bool:
    kind = trt.LayerType.PLUGIN_V3
    return any(network.get_layer(index).type == kind for index in range(network.num_layers))


def _target(trt: Any, config: Any, capabilities: Tuple[str, ...]) -> None:
    config.num_compute_capabilities = len(capabilities)
    for index, capability in enumerate(capabilities):
        config.set_compute_capability(getattr(trt.ComputeCapability, f"SM{capability.replace('.', '')}"), index)
