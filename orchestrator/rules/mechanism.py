"""What one precision word, and a plugin, become at each generation of each backend."""

from __future__ import annotations

from dataclasses import dataclass

from farm.backends.options import TENSORRT, problems
from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.precision import Types, meaning
from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.target import BuildTarget

from .recipe import STEP_OF_TYPES

# What a graph is without any step, or becomes on the device; FP8 has to be exported so.
_MADE_ELSEWHERE = (Types.AS_EXPORTED, Types.INT8, Types.FP8)
_ONNXRUNTIME = {
    Precision.FP32: "float32, the graph as it is",
    Precision.FP16: "weights stored as float16, computed in float32",
    Precision.INT8: "static quantization (Q/DQ) from calibration data",
}


@dataclass(frozen=True)
class Mechanism:
    """How a target honours the options.

    Attributes:
        precision: What the precision word becomes, or `none`.
        plugins: The plugin interface of this generation, or `none`.
        problems: Why it cannot be honoured; each names the option and the version.
        types: Those that the graph must have, where precision lies in it.
    """

    precision: str
    plugins: str
    problems: tuple[str, ...] = ()
    types: Types = Types.AS_EXPORTED


def mechanism(target: BuildTarget, options: BuildOptions) -> Mechanism:
    """What building these options for this target means; never raises."""
    found = [*_calibration_problems(target, options), *problems(target, options)]
    try:
        text, plugins, types = _meaning(target, options)
    except Unsupported as error:
        # A version that farm does not know is told once.
        if error.message not in found:
            found.append(error.message)
        text, plugins, types = "none", "none", Types.AS_EXPORTED
    return Mechanism(text, plugins, tuple(found), types)


def _meaning(target: BuildTarget, options: BuildOptions) -> tuple[str, str, Types]:
    """What precision and plugins become, and the types of the graph.

    Raises: Unsupported: the target cannot build the precision.
    """
    if target.backend in TENSORRT:
        can = capabilities_of(target.backend_version, rtx=target.backend == "tensorrt_rtx")
        card = target.gpu.compute_capability if target.gpu else None
        what = meaning(options.precision, can, card, calibrated=options.calibration is not None)
        if what.types not in (*_MADE_ELSEWHERE, *STEP_OF_TYPES):
            raise Unsupported(
                f"{_name(target)} takes --precision {options.precision} as a graph with {what.types}, and no graph "
                f"step makes one"
            )
        return what.mechanism, "IPluginV3" if can.api >= (10, 0) else "IPluginV2DynamicExt", what.types
    if target.backend == "onnxruntime":
        if options.precision not in _ONNXRUNTIME:
            raise Unsupported(f"{_name(target)} cannot build --precision {options.precision}")
        return _ONNXRUNTIME[options.precision], "none", Types.AS_EXPORTED
    return f"what {target.backend} makes of {options.precision}", "none", Types.AS_EXPORTED


def _calibration_problems(target: BuildTarget, options: BuildOptions) -> list[str]:
    if options.precision is Precision.INT8 and options.calibration is None and target.backend == "onnxruntime":
        return [f"{_name(target)} needs calibration data for --precision int8"]
    if options.calibration is not None and options.precision not in (Precision.INT8, Precision.BEST):
        return [f"{_name(target)} would not use the calibration data for --precision {options.precision}"]
    return []


def _name(target: BuildTarget) -> str:
    return f"{target.backend} {target.backend_version}"
