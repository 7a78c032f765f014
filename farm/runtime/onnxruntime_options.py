"""The options of the onnxruntime backend: what each is called, what it may be, and how a session gets it."""

from __future__ import annotations

from typing import Any, Callable, Dict, Mapping

from farm.protocol.errors import Unsupported

LEVELS = {
    "disable": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}
CALIBRATIONS = ("minmax", "entropy", "percentile")


def _threads(value: Any) -> str:
    return "" if type(value) is int and 0 <= value <= 1024 else "a whole number from 0 (all cores) to 1024"


def _switch(value: Any) -> str:
    return "" if type(value) is bool else "true or false"


def _one_of(*words: str) -> Callable[[Any], str]:
    return lambda value: "" if value in words else "one of " + ", ".join(words)


# Option name to a check that answers what is allowed, or nothing when the value is. The first four also hold at run
# time, and travel in the engine's manifest.
_CHECKS: Dict[str, Callable[[Any], str]] = {
    "intra_op_threads": _threads,
    "inter_op_threads": _threads,
    "allow_spinning": _switch,
    "denormal_as_zero": _switch,
    "graph_optimization_level": _one_of(*LEVELS),
    "calibration_method": _one_of(*CALIBRATIONS),
    "per_channel": _switch,
}


def check_options(options: Mapping[str, Any], version: str) -> Mapping[str, Any]:
    """The options, if onnxruntime of this version knows each and can honour its value.

    Raises: Unsupported: the message names the option and the version.
    """
    for name, value in options.items():
        if name not in _CHECKS:
            known = ", ".join(_CHECKS)
            raise Unsupported(f"onnxruntime {version} has no option {name!r}", f"It takes {known}.")
        allowed = _CHECKS[name](value)
        if allowed:
            raise Unsupported(f"onnxruntime {version} cannot honour {name} = {value!r}", f"Give {allowed}.")
    return options


def session_options(options: Mapping[str, Any], level: str) -> Any:
    """Fresh `SessionOptions` with the optimisation level of that name and all options that hold at run time."""
    import onnxruntime

    made = onnxruntime.SessionOptions()
    made.log_severity_level = 3  # errors: its warnings speak to people who write graphs
    made.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, LEVELS[level])
    made.intra_op_num_threads = options.get("intra_op_threads", 0)
    made.inter_op_num_threads = options.get("inter_op_threads", 0)
    if "inter_op_threads" in options and options["inter_op_threads"] != 1:
        made.execution_mode = onnxruntime.ExecutionMode.ORT_PARALLEL
    if "allow_spinning" in options:
        spinning = "1" if options["allow_spinning"] else "0"
        made.add_session_config_entry("session.intra_op.allow_spinning", spinning)
        made.add_session_config_entry("session.inter_op.allow_spinning", spinning)
    if "denormal_as_zero" in options:
        made.add_session_config_entry("session.set_denormal_as_zero", "1" if options["denormal_as_zero"] else "0")
    return made
