"""A model on disk as the manifest that names it, and where its files are."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, Optional, Union

from farm.onnxfile import external_files
from farm.protocol.errors import Invalid
from farm.protocol.model import GRAPH_FILE, FileRef, ModelManifest, check_manifest, check_name

from .files import hash_file
from .progress import Progress


@dataclass(frozen=True)
class LocalModel:
    """A model whose files are at hand; `paths` maps their sha256 to where they are."""

    name: str
    manifest: ModelManifest
    paths: Dict[str, Path] = field(default_factory=dict)


def read_model(path: Union[str, Path], name: Optional[str] = None, progress: Optional[Progress] = None) -> LocalModel:
    """The model in an ONNX file and its external data, hashed; its name is the file's without `.onnx` unless given.

    Raises: Invalid: it is not an ONNX file, data is missing or outside of its folder, or the name cannot be one.
    """
    path = Path(path)
    name = checked_name(name or _stem(path), name is None)
    refs = []
    paths = {}
    for inner, place in _files(path).items():
        found = hash_file(place, place.name, progress)
        refs.append(FileRef(inner, found.size_bytes, found.sha256))
        paths[found.sha256] = place
    return LocalModel(name, check_manifest(ModelManifest(tuple(refs))), paths)


def _files(path: Path) -> Dict[str, Path]:
    beside = {item.name: item.path for item in external_files(path)}
    if GRAPH_FILE in beside:
        raise Invalid(
            f"{path} keeps its weights in a file called {GRAPH_FILE}", "Export it with another name for them."
        )
    return {GRAPH_FILE: path, **beside}


def checked_name(name: str, from_file: bool = False) -> str:
    """The name, if a model may have it.

    Raises: Invalid
    """
    try:
        return check_name(name, "model name")
    except Invalid as error:
        raise Invalid(error.message, "Give another one with --name." if from_file else error.hint) from error


def _stem(path: Path) -> str:
    return path.name[: -len(".onnx")] if path.name.lower().endswith(".onnx") else path.name
