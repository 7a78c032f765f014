"""The networks that are measured: for their ONNX files, and for the runtimes they are held against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from worker.host.exporters.base import ExportOrder, Size
from worker.host.exporters.order import PLUGIN
from worker.host.exporters.table import exporter

# The steps are the farm's, which are measured; whether a file computes what PyTorch does is for the tests of exporters.
DRAWN = ExportOrder(check=False, steps=())
_FOUR = replace(DRAWN, batch=4)
_BY_PLUGIN = replace(DRAWN, form=PLUGIN)
# Name here to exporter and how. A number at the end is the batch; `native` does without plugins.
NETWORKS: dict[str, tuple[str, ExportOrder]] = {
    "resnet50": ("resnet50", DRAWN),
    "detr": ("detr-r50", DRAWN),
    "detr-4": ("detr-r50", _FOUR),
    "deformable": ("deformable-detr", _BY_PLUGIN),
    "deformable-4": ("deformable-detr", replace(_BY_PLUGIN, batch=4)),
    "deformable-native": ("deformable-detr", DRAWN),
    "deformable-native-4": ("deformable-detr", _FOUR),
    "yolov5l": ("yolov5l", replace(DRAWN, size=Size(352, 416))),
    "yolov5l-640": ("yolov5l", DRAWN),
    "mask-rcnn": ("mask-rcnn", _BY_PLUGIN),
    "mask-rcnn-native": ("mask-rcnn", DRAWN),
}
# Those whose batch is left open under the name with `-open`, and the height and width they are measured at.
OPEN = {"resnet50": (224, 224)}
_SAMPLES = 4


def export(name: str, folder: Path) -> Path:
    """The ONNX file of a network, made once."""
    path = folder / f"{name}.onnx"
    if not path.exists():
        base = name.removesuffix("-open")
        word, order = NETWORKS[base]
        exporter(word).export(path, replace(order, dynamic=base != name))
    return path


def calibration(name: str, folder: Path) -> Path:
    """Samples for int8, drawn as the farm draws reference inputs; as many images whatever the batch."""
    import numpy as np

    path = folder / f"{name}.npz"
    if not path.exists():
        word, order = NETWORKS[name]
        size = order.size or exporter(word).size
        shape = (max(1, _SAMPLES // order.batch), order.batch, 3, size.height, size.width)
        np.savez(path, images=np.random.default_rng(1).uniform(-1, 1, shape).astype(np.float32))
    return path
