"""Whole constants within 32 bits: TensorRT before 10 has no others, and its parser cuts those that are longer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .walk import tensors

if TYPE_CHECKING:
    from onnx import ModelProto, TensorProto

    from .ranges import Measure

log = logging.getLogger(__name__)

NAME = "int64"
DESCRIPTION = "Bring whole constants into 32 bits, as TensorRT before 10 does unseen"
TOOLS = ("onnx",)
PARAMETERS: Mapping[str, Any] = {}
# The end of any axis, as a rule; where such a number means something else, the outputs tell.
TOLERANCE = 1e-6


def apply(model: ModelProto, parameters: Mapping[str, Any], measure: Measure) -> ModelProto:
    """The graph with its int64 constants between the smallest and the largest of int32; their type stays."""
    changed = sum(_cut(tensor) for tensor in tensors(model))
    if changed:
        log.info("%d constants did not fit into 32 bits", changed)
    return model


def _cut(tensor: TensorProto) -> bool:
    import numpy as np
    from onnx import TensorProto, numpy_helper

    if tensor.data_type != TensorProto.INT64 or tensor.external_data:
        return False
    limits, array = np.iinfo(np.int32), numpy_helper.to_array(tensor)
    cut = array.clip(limits.min, limits.max)
    if (cut == array).all():
        return False
    tensor.CopyFrom(numpy_helper.from_array(cut, tensor.name))
    return True
