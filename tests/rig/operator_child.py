"""Builds a model with the plugins of one library on the rig, in a process of its own, which the parser may end.

`python -m tests.rig.operator_child FOLDER LIBRARY` takes FOLDER/model.onnx, writes the plan to FOLDER/output, and what
the builder says to stderr.
"""

from __future__ import annotations

import json
import logging
import sys
from pathlib import Path

import onnx
from onnx import helper

from farm.filehash import file_ref
from farm.protocol.engine import TensorSpec
from farm.protocol.options import BuildOptions, Precision
from worker.device.builders.base import BuildOrder
from worker.device.builders.table import load

from .orders import AHEAD


def main(folder: Path, library: Path) -> None:
    """Load, parse, build."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr)
    builder = load("tensorrt_rtx")
    logging.info("loaded %s", builder.load_plugins(library.parent, [file_ref(library)]))
    for name in ("output", "scratch"):
        (folder / name).mkdir()
    built = builder.build(
        BuildOrder(
            model=folder / "model.onnx",
            files=("model.onnx",),
            inputs=tuple(inputs_of(onnx.load(str(folder / "model.onnx")))),
            options=BuildOptions(precision=Precision.FP32),
            target=AHEAD,
            calibration=None,
            output=folder / "output",
            scratch=folder / "scratch",
        )
    )
    logging.info("built %s: %s", built.files, json.dumps(built.effective))


def inputs_of(model: onnx.ModelProto) -> list[TensorSpec]:
    """What the model takes; every size is known."""
    return [
        TensorSpec(
            value.name,
            str(helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type)),
            tuple(axis.dim_value for axis in value.type.tensor_type.shape.dim),
        )
        for value in model.graph.input
    ]


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
