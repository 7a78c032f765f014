"""The networks that are measured: for their ONNX files, and for the runtimes they are held against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from worker.host.exporters.base import ExportOrder
from worker.host.exporters.table import exporter

Network = Any

# Name here to exporter.
NETWORKS = {"resnet50": "resnet50", "detr": "detr-r50"}
# Those whose batch is left open under the name with `-open`, and the height and width they are measured at.
OPEN = {"resnet50": (224, 224)}
# The steps are the farm's, which are measured.
DRAWN = ExportOrder(check=False, steps=())
_SAMPLES = 4


def export(name: str, folder: Path) -> Path:
    """The ONNX file of a network, made once; whether it computes what PyTorch does is for the tests of exporters."""
    path = folder / f"{name}.onnx"
    if not path.exists():
        base = name.removesuffix("-open")
        exporter(NETWORKS[base]).export(path, replace(DRAWN, dynamic=base != name))
    return path


def calibration(name: str, folder: Path) -> Path:
    """Samples for int8, drawn as the farm draws reference inputs, with another seed."""
    import numpy as np

    path = folder / f"{name}.npz"
    if not path.exists():
        size = exporter(NETWORKS[name]).size
        drawn = np.random.default_rng(1).uniform(-1, 1, (_SAMPLES, 1, 3, size.height, size.width))
        np.savez(path, images=drawn.astype(np.float32))
    return path
