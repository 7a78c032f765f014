"""The table of exporters. One line for each: name → module and class. Others are named by their file and class."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType

from farm.protocol.errors import Invalid, Unsupported

from .base import Exporter

EXPORTERS: Mapping[str, str] = {
    "deformable-detr": "worker.host.exporters.deformable_detr:DeformableDetrExporter",
    "detr-r50": "worker.host.exporters.detr:DetrExporter",
    "mask-rcnn": "worker.host.exporters.mask_rcnn:MaskRcnnExporter",
    "resnet50": "worker.host.exporters.resnet:ResNet50Exporter",
    "super-resolution": "worker.host.exporters.super_resolution:SuperResolutionExporter",
    "yolov5l": "worker.host.exporters.yolov5:YoloV5Exporter",
}
_OWN_MODULE = "farm_own_exporter"


def exporter(name: str) -> Exporter:
    """The exporter of that name, or of a class in a file: `path/to/my_exporter.py:MyExporter`.

    Raises:
        Invalid: there is none.
        Unsupported: this machine has no PyTorch.
    """
    place, _, wanted = name.rpartition(":")
    try:
        if place.endswith(".py"):
            return _made(_module_of(Path(place)), wanted, name)
        if name not in EXPORTERS:
            raise Invalid(f"there is no exporter {name!r}", f"The exporters are {', '.join(sorted(EXPORTERS))}.")
        module, _, wanted = EXPORTERS[name].partition(":")
        return _made(import_module(module), wanted, name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise Unsupported(
            "PyTorch is not installed on this machine", "Install torch, or export the model where it is installed."
        ) from error


def short_name(name: str) -> str:
    """What a file of this exporter is called: its name, or that of its file."""
    place, _, _ = name.rpartition(":")
    return Path(place).stem if place.endswith(".py") else name


def _module_of(path: Path) -> ModuleType:
    """The module in a file, which finds what lies beside it."""
    if not path.is_file():
        raise Invalid(f"there is no file {path}", "Give path/to/my_exporter.py:MyExporter.")
    spec = importlib.util.spec_from_file_location(f"{_OWN_MODULE}_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Invalid(f"{path} is no module of Python", "Give path/to/my_exporter.py:MyExporter.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    sys.path.insert(0, str(path.absolute().parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.absolute().parent))
    return module


def _made(module: ModuleType, wanted: str, name: str) -> Exporter:
    found = getattr(module, wanted, None)
    made = found() if isinstance(found, type) and issubclass(found, Exporter) else None
    if made is None:
        raise Invalid(f"{name} names no exporter", "Give a class that inherits worker.host.exporters.base.Exporter.")
    return made
