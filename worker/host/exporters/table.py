"""The table of exporters. One line for each: name → module and class."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module

from farm.protocol.errors import Invalid, Unsupported

from .base import Exporter

EXPORTERS: Mapping[str, str] = {
    "detr-r50": "worker.host.exporters.detr:DetrExporter",
    "resnet50": "worker.host.exporters.resnet:ResNet50Exporter",
}


def exporter(name: str) -> Exporter:
    """The exporter of that name.

    Raises:
        Invalid: there is none.
        Unsupported: this machine has no PyTorch.
    """
    if name not in EXPORTERS:
        raise Invalid(f"there is no exporter {name!r}", f"The exporters are {', '.join(sorted(EXPORTERS))}.")
    module, _, found = EXPORTERS[name].partition(":")
    try:
        made = getattr(import_module(module), found)()
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise Unsupported(
            "PyTorch is not installed on this machine", "Install torch, or export the model where it is installed."
        ) from error
    assert isinstance(made, Exporter)
    return made
