"""From an order to the command line that builds it: every option is on it, or the build has refused it before."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Sequence, Tuple

from farm.backends.tensorrt import values
from farm.backends.tensorrt.capabilities import TensorRtCapabilities, Typing
from farm.backends.tensorrt.precision import Meaning
from farm.backends.tensorrt.switches import has, switch
from farm.protocol.engine import TensorSpec
from farm.protocol.options import ShapeRange
from farm.protocol.shapes import format_shapes

from ..base import BuildOrder
from ..tensorrt.ladder import Rung

# Names of builder flags to what sets them. TF32 is on unless it is cleared.
_FLAGS = {"FP16": "fp16", "BF16": "bf16", "INT8": "int8", "FP8": "fp8"}
_OBEY = "OBEY_PRECISION_CONSTRAINTS"
# Options that the program has by the same name, with their value, and those that it has or has not.
_VALUES = ("avgTiming", "maxAuxStreams", "maxTactics", "tilingOptimizationLevel", "hardwareCompatibilityLevel")
_MORE_VALUES = ("sparsity", "useDLACore")
_SWITCHES = (
    *("refit", "stripWeights", "allowWeightStreaming", "versionCompatible", "excludeLeanRuntime", "directIO"),
    *("allowGPUFallback", "errorOnTimingCacheMiss", "noCompilationCache"),
)
_SELECTORS = (("minShapes", "minimum"), ("optShapes", "optimum"), ("maxShapes", "maximum"))
_MIB = 1 << 20


def build_arguments(
    can: TensorRtCapabilities, order: BuildOrder, means: Meaning, rung: Rung, model: str, plan: str
) -> Tuple[str, ...]:
    """Arguments that build one rung of an order.

    Args:
        can: Of the version of the program.
        order: What to build.
        means: What the precision means for this version.
        rung: Memory and effort.
        model: The file of the graph that is built.
        plan: The file of the engine.

    Raises: Unsupported: this version lacks an option.
    """
    options = order.options.backend_options
    found = [
        switch("onnx", can, model),
        switch("saveEngine", can, plan),
        switch("skipInference" if has("skipInference", can) else "buildOnly", can),
        # Names of layers cost a few kilobytes, and without them no profile can be read.
        switch("profilingVerbosity", can, options.get("profilingVerbosity", "detailed")),
        # The phases of a build are in its most detailed log alone.
        switch("verbose", can),
    ]
    found += _precision(can, means)
    found += _shapes(can, order)
    found += _effort(can, order, rung)
    found += [switch(name, can, options[name]) for name in (*_VALUES, *_MORE_VALUES) if name in options]
    found += [switch(name, can) for name in _SWITCHES if options.get(name)]
    return tuple(found)


def told(arguments: Sequence[str]) -> List[str]:
    """What of the arguments belongs into the manifest: all but the names of files on this device."""
    return [word for word in arguments if not word.startswith(("--onnx=", "--saveEngine=", "--timingCacheFile="))]


def _precision(can: TensorRtCapabilities, means: Meaning) -> List[str]:
    found = [] if "TF32" in means.flags else [switch("noTF32", can)]
    found += [switch(name, can) for flag, name in _FLAGS.items() if flag in means.flags]
    if _OBEY in means.flags:
        found.append(switch("precisionConstraints", can, "obey"))
    # From 11 on every network is typed by its graph.
    if means.typed and can.typing is Typing.EITHER:
        found.append(switch("stronglyTyped", can))
    return found


def _shapes(can: TensorRtCapabilities, order: BuildOrder) -> List[str]:
    """The profiles, of inputs with an open axis: given shapes for others, the program refuses the graph."""
    profiles = [_open(profile, order.inputs) for profile in order.options.profiles]
    several, found = len(profiles) > 1, []
    for number, profile in enumerate(profiles):
        if several:
            found.append(switch("profile", can, number))
        if profile:
            found += [
                switch(name, can, format_shapes({key: getattr(allowed, which) for key, allowed in profile.items()}))
                for name, which in _SELECTORS
            ]
    return found


def _open(profile: Mapping[str, ShapeRange], inputs: Sequence[TensorSpec]) -> Dict[str, ShapeRange]:
    return {spec.name: profile[spec.name] for spec in inputs if -1 in spec.shape and spec.name in profile}


def _effort(can: TensorRtCapabilities, order: BuildOrder, rung: Rung) -> List[str]:
    pools = _pools(order.options.backend_options)
    if rung.workspace_bytes is not None:
        pools["workspace"] = rung.workspace_bytes
    found = []
    if pools:
        found.append(switch("memPoolSize", can, ",".join(f"{name}:{_mib(size)}" for name, size in pools.items())))
    if rung.level is not None:
        found.append(switch("builderOptimizationLevel", can, rung.level))
    if rung.tactic_sources is not None:
        found.append(switch("tacticSources", can, _sources(can, rung.tactic_sources)))
    return found


def _pools(options: Mapping[str, Any]) -> Dict[str, int]:
    sizes = values.memory_pools(options["memPoolSize"]) if "memPoolSize" in options else {}
    return {name: sizes[member] for name, member in values.POOLS.items() if member in sizes}


def _mib(size_bytes: int) -> str:
    # A number without a unit is MiB in every version, for every pool.
    return f"{size_bytes / _MIB:.17g}"


def _sources(can: TensorRtCapabilities, wanted: Sequence[str]) -> str:
    """The sources as changes to those that are on by default; each is named, so that no default matters."""
    signs = {name: "+" if name in wanted else "-" for name in sorted(can.tactic_sources)}
    return ",".join(f"{sign}{name}" for name, sign in signs.items())
