"""What one version of TensorRT can do: the only place where builders and runtimes tell versions apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Dict, FrozenSet, Tuple

from farm.protocol.states import Word

from .build_classes import BUILD_CLASSES
from .enums import ENUMS, MODULE
from .run_classes import RUN_CLASSES
from .symbol import TYPED, Symbol, Version
from .version import api_of

CLASSES: Dict[str, Dict[str, Symbol]] = {**ENUMS, **BUILD_CLASSES, **RUN_CLASSES}
# Every name there is in a table, as `Class.member`, or bare for what lies in the module.
SYMBOLS: Dict[str, Symbol] = {
    **MODULE,
    **{f"{name}.{member}": symbol for name, members in CLASSES.items() for member, symbol in members.items()},
}


class Typing(Word):
    """Who chooses the precision of a layer."""

    # The builder, among those its flags allow.
    WEAK = "weak"
    # The builder, or the graph where the network is created STRONGLY_TYPED.
    EITHER = "either"
    # The graph.
    STRONG = "strong"


class Loading(Word):
    """How a plugin library gets into the process."""

    CTYPES = "ctypes.CDLL"
    REGISTRY = "IPluginRegistry.load_library"


@dataclass(frozen=True)
class TensorRtCapabilities:
    """What one version can do.

    Attributes:
        module: To import.
        api: The version of TensorRT whose API it has; its own, except for TensorRT for RTX.
        explicit_batch_flag: A network must be created with EXPLICIT_BATCH.
        builder_flags: Names of `BuilderFlag`; likewise the sets below, of their enumerations.
        default_tactic_sources: Those that are on unless switched off.
        optimization_levels: Of the builder; empty where it has none.
        dla: Its builder knows the DLA of a Jetson.
        compute_capabilities: It builds for those it is told, without a GPU.
        timing_caches: It fills timing caches. TensorRT for RTX times nothing while it builds.
        editable_timing_caches: Entries can be listed and pinned.
        plugin_creators: The property of the registry that lists creators.
        plugin_creator: The method of the registry that finds one.
        device_memory_size: The property of an engine that says how many bytes a context takes.
        profile_sharing: Several contexts may use one optimisation profile at the same time.
        asynchronous_output_allocators: `reallocate_output_async` of an `IOutputAllocator` is what it calls.
        parser_names_nodes: `ParserError` has `node_name` and `node_operator`.
        layer_precision: `ILayer.precision` and `set_output_type` are obeyed.
        int64: Tensors may be INT64; before, the parser made them INT32.
        layer_normalization: The parser knows the operator LayerNormalization.
        opset: The newest of ONNX that its parser takes.
    """

    version: str
    rtx: bool
    module: str
    api: Version
    typing: Typing
    explicit_batch_flag: bool
    builder_flags: FrozenSet[str]
    memory_pools: FrozenSet[str]
    tactic_sources: FrozenSet[str]
    default_tactic_sources: FrozenSet[str]
    hardware_compatibility_levels: FrozenSet[str]
    optimization_levels: Tuple[int, ...]
    max_aux_streams: bool
    max_tactics: bool
    tiling: bool
    progress_monitor: bool
    version_compatible: bool
    dla: bool
    compute_capabilities: bool
    timing_caches: bool
    editable_timing_caches: bool
    plugin_loading: Loading
    plugin_creators: str
    plugin_creator: str
    device_memory_size: str
    runtime_config: bool
    profile_sharing: bool
    asynchronous_output_allocators: bool
    parser_names_nodes: bool
    layer_precision: bool
    int64: bool
    layer_normalization: bool
    opset: int

    @property
    def name(self) -> str:
        """The product and its version, for people."""
        return f"{'TensorRT for RTX' if self.rtx else 'TensorRT'} {self.version}"

    def has(self, symbol: str) -> bool:
        """This version has `Class.member`.

        Raises: KeyError: no table holds that name, so nothing may touch it.
        """
        return SYMBOLS[symbol].exists(self.api, self.rtx)

    def words(self, enum: str) -> FrozenSet[str]:
        """The names of an enumeration that this version has."""
        return _words(enum, self.api, self.rtx)


@lru_cache(maxsize=None)
def capabilities_of(version: str, rtx: bool = False) -> TensorRtCapabilities:
    """What this version can do.

    Args:
        version: Full, such as `8.5.2.2`; that of TensorRT for RTX begins with 1.
        rtx: It is TensorRT for RTX.

    Raises: Unsupported: farm does not know this version.
    """
    api = api_of(version, rtx)

    def has(symbol: str) -> bool:
        return SYMBOLS[symbol].exists(api, rtx)

    sources = _words("TacticSource", api, rtx)
    return TensorRtCapabilities(
        version=version,
        rtx=rtx,
        module="tensorrt_rtx" if rtx else "tensorrt",
        api=api,
        typing=_typing(api),
        explicit_batch_flag=api < (10, 0),
        builder_flags=_words("BuilderFlag", api, rtx),
        memory_pools=_words("MemoryPoolType", api, rtx),
        tactic_sources=sources,
        default_tactic_sources=sources if api < (10, 0) else sources - _LIBRARIES,
        hardware_compatibility_levels=_words("HardwareCompatibilityLevel", api, rtx),
        optimization_levels=tuple(range(6)) if has("IBuilderConfig.builder_optimization_level") else (),
        max_aux_streams=has("IBuilderConfig.max_aux_streams"),
        max_tactics=has("IBuilderConfig.max_num_tactics"),
        tiling=has("IBuilderConfig.tiling_optimization_level"),
        progress_monitor=has("IBuilderConfig.progress_monitor"),
        version_compatible=has("BuilderFlag.VERSION_COMPATIBLE") and not rtx,
        dla=not rtx and not _WITHOUT_DLA[0] <= api < _WITHOUT_DLA[1],
        compute_capabilities=has("IBuilderConfig.set_compute_capability"),
        timing_caches=not rtx,
        editable_timing_caches=has("ITimingCache.queryKeys") and not rtx,
        plugin_loading=Loading.REGISTRY if has("IPluginRegistry.load_library") else Loading.CTYPES,
        plugin_creators=_spelling("IPluginRegistry", ("all_creators", "plugin_creator_list"), api, rtx),
        plugin_creator=_spelling("IPluginRegistry", ("get_creator", "get_plugin_creator"), api, rtx),
        device_memory_size=_spelling("ICudaEngine", ("device_memory_size_v2", "device_memory_size"), api, rtx),
        runtime_config=has("ICudaEngine.create_runtime_config"),
        profile_sharing=api >= (10, 0),
        asynchronous_output_allocators=api >= (10, 0),
        parser_names_nodes=has("ParserError.node_name"),
        layer_precision=has("ILayer.precision"),
        int64=has("DataType.INT64"),
        layer_normalization=api >= (8, 6),
        opset=17 if api < (10, 0) else 20,
    )


# Off from TensorRT 10 on, then gone: the core has kernels of its own for all they were for.
_LIBRARIES = frozenset({"CUBLAS", "CUBLAS_LT", "CUDNN"})
# 10.7 was the last release for the DLA until 11.4.1 took that of AGX Orin up again.
_WITHOUT_DLA: Tuple[Version, Version] = ((10, 8), (11, 4, 1))


def _words(enum: str, api: Version, rtx: bool) -> FrozenSet[str]:
    return frozenset(name for name, symbol in ENUMS[enum].items() if symbol.exists(api, rtx))


def _typing(api: Version) -> Typing:
    if api >= TYPED:
        return Typing.STRONG
    strong = ENUMS["NetworkDefinitionCreationFlag"]["STRONGLY_TYPED"]
    return Typing.EITHER if strong.exists(api, False) else Typing.WEAK


def _spelling(kind: str, newest_first: Tuple[str, ...], api: Version, rtx: bool) -> str:
    """The newest spelling of one thing that a version has."""
    return next(name for name in newest_first if SYMBOLS[f"{kind}.{name}"].exists(api, rtx))
