"""The networks that are measured: for their ONNX files, and for the runtimes they are held against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from worker.host.exporters.base import ExportOrder
from worker.host.exporters.table import exporter

Network = Any

# Name here to exporter.
NETWORKS = {"resnet50": "resnet50", "detr": "detr-r50"}
DRAWN = ExportOrder(check=False)


def export(name: str, folder: Path) -> Path:
    """The ONNX file of a network, made once; whether it computes what PyTorch does is for the tests of exporters."""
    path = folder / f"{name}.onnx"
    if not path.exists():
        exporter(NETWORKS[name]).export(path, DRAWN)
    return path
