"""The options of onnxruntime. Those that concern no precision also hold at run time and travel in the manifest."""

from __future__ import annotations

from typing import Dict

from farm.protocol.options import Precision

from .option import Option, one_of, switch, whole

OPTIMIZATION_LEVELS = ("disable", "basic", "extended", "all")
CALIBRATION_METHODS = ("minmax", "entropy", "percentile")


def quantizer(*precisions: Precision) -> Dict[str, Option]:
    """The options of the quantizer, which also puts Q/DQ into graphs for TensorRT; `precisions` use them."""
    return {"calibration_method": one_of(CALIBRATION_METHODS, *precisions), "per_channel": switch(*precisions)}


OPTIONS: Dict[str, Option] = {
    "intra_op_threads": whole(0, 1024, "all cores"),
    "inter_op_threads": whole(0, 1024, "all cores"),
    "allow_spinning": switch(),
    "denormal_as_zero": switch(),
    "graph_optimization_level": one_of(OPTIMIZATION_LEVELS),
    **quantizer(Precision.INT8),
}
