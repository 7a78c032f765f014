"""What one precision word, and a plugin, become at each generation of each backend."""

from __future__ import annotations

from dataclasses import dataclass

from farm.backends.options import option_problems
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.target import BuildTarget

_TENSORRT = frozenset({"tensorrt", "trtexec"})
_LABELS = {Precision.FP16: "FP16", Precision.BF16: "BF16", Precision.FP8: "FP8", Precision.INT8: "INT8"}
_ONNXRUNTIME = {
    Precision.FP32: "float32, the graph as it is",
    Precision.FP16: "weights stored as float16, computed in float32",
    Precision.INT8: "static quantization (Q/DQ) from calibration data",
}


@dataclass(frozen=True)
class Mechanism:
    """How a target honours the options.

    Attributes:
        precision: What the precision word becomes.
        plugins: The plugin interface of this generation, or `none`.
        problems: Why it cannot be honoured; each names the option and the version.
    """

    precision: str
    plugins: str
    problems: tuple[str, ...] = ()


def mechanism(target: BuildTarget, options: BuildOptions) -> Mechanism:
    """What building these options for this target means; never raises."""
    problems = list(_calibration_problems(target, options))
    problems += option_problems(target.backend, target.backend_version, options)
    if target.backend == "onnxruntime":
        text = _ONNXRUNTIME.get(options.precision)
        plugins = "none"
    elif target.backend == "tensorrt_rtx":
        text, plugins = _strongly_typed(target, options.precision), "IPluginV3"
    elif target.backend in _TENSORRT:
        text = _tensorrt(target, options.precision)
        plugins = "IPluginV3" if _major(target) >= 10 else "IPluginV2DynamicExt"
    else:
        text, plugins = f"what {target.backend} makes of {options.precision}", "none"
    if text is None:
        word = options.precision
        problems.append(f"{_name(target)} cannot build --precision {word}{_why(target, word)}")
    return Mechanism(text or "none", plugins, tuple(problems))


def _tensorrt(target: BuildTarget, precision: Precision) -> str | None:
    if _why(target, precision):
        return None
    if _major(target) >= 11:
        return _strongly_typed(target, precision)
    if precision is Precision.FP32:
        return "builder flag TF32 cleared"
    if precision is Precision.MIX:
        return "builder flags FP16 and OBEY_PRECISION_CONSTRAINTS, sensitive layers kept at float32"
    if precision is Precision.BEST:
        return "builder flags " + " and ".join(["FP16", *(["BF16"] if _has_bf16(target) else []), "INT8", "TF32"])
    if precision is Precision.FP8:
        return "Q/DQ in the graph and builder flag FP8"
    if precision is Precision.INT8:
        return "builder flag INT8, scales from calibration data"
    return f"builder flag {_LABELS.get(precision, str(precision).upper())}"


def _strongly_typed(target: BuildTarget, precision: Precision) -> str | None:
    """Where precision must be in the graph: the host casts it, the builder obeys."""
    if _why(target, precision):
        return None
    if precision is Precision.FP32:
        return "strongly typed graph, TF32 cleared"
    if precision is Precision.TF32:
        return "strongly typed graph, builder flag TF32"
    if precision in (Precision.INT8, Precision.FP8):
        return f"strongly typed graph with {_LABELS[precision]} Q/DQ"
    if precision in (Precision.MIX, Precision.BEST):
        return "strongly typed graph, float16 where the reference stays within tolerance"
    return f"strongly typed graph cast to {_LABELS[precision]}"


def _why(target: BuildTarget, precision: Precision) -> str:
    """Why hardware or version lack this precision, as the end of a sentence; empty where they have it."""
    sm = _sm(target)
    if precision is Precision.TF32 and sm and sm < 80:
        return f": TF32 begins with sm 80, this is sm {sm}"
    if precision is Precision.BF16 and (sm and sm < 80):
        return f": bfloat16 begins with sm 80, this is sm {sm}"
    if precision is Precision.FP8 and (sm and sm < 89):
        return f": FP8 begins with sm 89, this is sm {sm}"
    old = target.backend in _TENSORRT and _major(target) < 9
    if old and precision in (Precision.BF16, Precision.FP8):
        return ": it begins with TensorRT 9"
    return ""


def _calibration_problems(target: BuildTarget, options: BuildOptions) -> list[str]:
    if options.precision is Precision.INT8 and options.calibration is None and target.backend == "onnxruntime":
        return [f"{_name(target)} needs calibration data for --precision int8"]
    if options.calibration is not None and options.precision not in (Precision.INT8, Precision.BEST):
        return [f"{_name(target)} would not use the calibration data for --precision {options.precision}"]
    return []


def _has_bf16(target: BuildTarget) -> bool:
    return not _why(target, Precision.BF16)


def _name(target: BuildTarget) -> str:
    return f"{target.backend} {target.backend_version}"


def _major(target: BuildTarget) -> int:
    first = target.backend_version.split(".")[0]
    return int(first) if first.isdigit() else 0


def _sm(target: BuildTarget) -> int:
    return int(target.gpu.compute_capability.replace(".", "")) if target.gpu else 0
