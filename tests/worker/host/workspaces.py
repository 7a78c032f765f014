"""Workspaces of preparations, as the worker lays them out."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from farm.filehash import file_ref
from farm.onnxfile import external_files
from farm.protocol.codec import dumps
from farm.protocol.keys import PreparationKey, PreparationRecipe, StepCall
from farm.protocol.model import ModelManifest
from farm.protocol.options import ReferencePolicy
from farm.protocol.work import PreparationWork
from farm.runtime.arrays import save_arrays

ALL = ("fold", "simplify", "infer_shapes")


def workspace(
    folder: Path,
    model: Path,
    policy: ReferencePolicy | None = None,
    steps: Sequence[str] = ALL,
    tools: Mapping[str, str] | None = None,
    arrays: Mapping[str, Mapping[str, Any]] | None = None,
) -> PreparationWork:
    """Lay out `input/` with the files of a model, an empty `output/`, and `spec.json`."""
    source = folder / "input"
    source.mkdir()
    (folder / "output").mkdir()
    place(model, source / "model.onnx")
    names = ["model.onnx"]
    for item in external_files(model):
        place(item.path, source / item.name)
        names.append(item.name)
    for name, values in (arrays or {}).items():
        save_arrays(source / name, values)
    manifest = ModelManifest(tuple(file_ref(source / name, name) for name in names))
    recipe = PreparationRecipe(tuple(StepCall(name) for name in steps), dict(tools or {}))
    key = PreparationKey(manifest.digest, recipe, policy or ReferencePolicy())
    work = PreparationWork("p-1", key, manifest)
    (folder / "spec.json").write_text(dumps(work))
    return work


def place(source: Path, path: Path) -> None:
    """A second name for a file, or a copy where the two folders are on different file systems."""
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
