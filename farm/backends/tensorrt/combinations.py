"""Options of TensorRT that mean something only beside another, and what an engine without its weights cannot do."""

from __future__ import annotations

from typing import Dict, Iterator, Tuple

from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions

# An option to the one without which it does nothing.
_NEEDS: Dict[str, str] = {"excludeLeanRuntime": "versionCompatible", "allowGPUFallback": "useDLACore"}
_STRIPPED = "its weights were stripped, and it computes nothing before it is refitted"


def combination_problems(name: str, options: BuildOptions) -> Tuple[str, ...]:
    """Why options cannot be honoured together: a sentence each, naming both.

    Args:
        name: Of backend and version.
        options: Of the build.
    """
    return tuple(_problems(name, options))


def stripped(options: BuildOptions) -> str:
    """Why an engine of these options cannot run as it is, as the end of a sentence; empty where it can."""
    return _STRIPPED if options.backend_options.get("stripWeights") else ""


def check_has_weights(options: BuildOptions) -> None:
    """Nothing, if an engine of these options can run as it is.

    Raises: Unsupported: it waits for its weights.
    """
    reason = stripped(options)
    if reason:
        raise Unsupported(
            f"this engine cannot run: {reason}",
            "Refit it by TensorRT's OnnxParserRefitter with the graph that `weights` in its manifest names, or build "
            "it without stripWeights.",
        )


def _problems(name: str, options: BuildOptions) -> Iterator[str]:
    asked = options.backend_options
    for option, needed in _NEEDS.items():
        absent = needed not in asked or asked[needed] is False
        if asked.get(option) and absent:
            yield f"{name} cannot honour {option} without {needed}"
    if stripped(options) and options.calibration is not None:
        yield f"{name} cannot honour stripWeights with calibration data: quantized weights are in no graph that is kept"
