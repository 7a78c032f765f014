"""From a network in PyTorch to an engine in a folder, in one call."""

from __future__ import annotations

import tempfile
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from farm.client import FarmClient, SubmitOptions
    from farm.client.fetching import Fetched

    from .base import Exporter
    from .order import ExportOrder


def export_engine(
    exporter: Exporter,
    target: str,
    folder: Path,
    order: ExportOrder,
    options: SubmitOptions | None,
    farm: FarmClient | None,
) -> Fetched:
    """What was fetched.

    Args:
        exporter: Of the network.
        target: A word for one target that this device may run engines of.
        folder: Of the engine.
        order: How to export.
        options: How to build; the model has the name of the folder unless they give it another.
        farm: None for the one that the settings of this machine name.

    Raises: FarmError: it could not be exported, built or fetched.
    """
    from farm import FarmClient
    from farm.client import SubmitOptions

    options = options or SubmitOptions()
    name = options.name or folder.name
    with tempfile.TemporaryDirectory() as scratch, FarmClient() if farm is None else nullcontext(farm) as client:
        path = Path(scratch) / f"{name}.onnx"
        exporter.export(path, order)
        submitted = client.submit(path, [target], replace(options, name=name), wait=True)
        (result,) = client.results(submitted.id)
        key = result.engine.engine.key if result.engine else None
        return client.fetch(name, folder, key=key)
