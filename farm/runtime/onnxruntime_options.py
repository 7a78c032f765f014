"""How a session of onnxruntime gets its options; `farm.backends.onnxruntime` says which there are."""

from __future__ import annotations

from typing import Any, Mapping

_LEVELS = {
    "disable": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


def session_options(options: Mapping[str, Any], level: str) -> Any:
    """Fresh `SessionOptions` with the optimisation level of that name and all options that hold at run time."""
    import onnxruntime

    made = onnxruntime.SessionOptions()
    made.log_severity_level = 4  # what it cannot do it raises, and warnings speak to people who write graphs
    made.graph_optimization_level = getattr(onnxruntime.GraphOptimizationLevel, _LEVELS[level])
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
