"""What one precision word, and a plugin, become at each generation of each backend."""

from __future__ import annotations

from dataclasses import dataclass

from farm.backends.options import TENSORRT, problems
from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.needs import needed_steps
from farm.backends.tensorrt.precision import meaning
from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.target import BuildTarget

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
        steps: Graph steps that the target cannot do without, in order and as they are typed.
    """

    precision: str
    plugins: str
    problems: tuple[str, ...] = ()
    steps: tuple[str, ...] = ()


def mechanism(target: BuildTarget, options: BuildOptions) -> Mechanism:
    """What building these options for this target means; never raises."""
    found = [*_calibration_problems(target, options), *problems(target, options)]
    try:
        text, plugins, steps = _meaning(target, options)
    except Unsupported as error:
        # A version that farm does not know is told once.
        if error.message not in found:
            found.append(error.message)
        text, plugins, steps = "none", "none", ()
    return Mechanism(text, plugins, tuple(found), steps)


def _meaning(target: BuildTarget, options: BuildOptions) -> tuple[str, str, tuple[str, ...]]:
    """What precision and plugins become, and the graph steps for it.

    Raises: Unsupported: the target cannot build the precision.
    """
    if target.backend in TENSORRT:
        can = capabilities_of(target.backend_version, rtx=target.backend == "tensorrt_rtx")
        card = target.gpu.compute_capability if target.gpu else None
        what = meaning(options.precision, can, card, calibrated=options.calibration is not None)
        plugins = "IPluginV3" if can.api >= (10, 0) else "IPluginV2DynamicExt"
        return what.mechanism, plugins, needed_steps(can, what.types)
    if target.backend == "onnxruntime":
        if options.precision not in _ONNXRUNTIME:
            raise Unsupported(f"{_name(target)} cannot build --precision {options.precision}")
        return _ONNXRUNTIME[options.precision], "none", ()
    return f"what {target.backend} makes of {options.precision}", "none", ()


def _calibration_problems(target: BuildTarget, options: BuildOptions) -> list[str]:
    if options.precision is Precision.INT8 and options.calibration is None and target.backend == "onnxruntime":
        return [f"{_name(target)} needs calibration data for --precision int8"]
    if options.calibration is not None and options.precision not in (Precision.INT8, Precision.FP8, Precision.BEST):
        return [f"{_name(target)} would not use the calibration data for --precision {options.precision}"]
    return []


def _name(target: BuildTarget) -> str:
    return f"{target.backend} {target.backend_version}"
