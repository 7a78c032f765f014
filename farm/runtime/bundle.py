"""A fetched engine on disk: a folder with `manifest.json` and the files it names. Standard library only."""

from __future__ import annotations

import os
from pathlib import Path

from farm.filehash import file_ref
from farm.protocol.codec import dumps, loads
from farm.protocol.engine import MANIFEST_FILE, EngineManifest
from farm.protocol.errors import BlobCorrupt, Invalid, NotFound
from farm.protocol.model import FileRef, check_relative


def read_manifest(folder: Path) -> EngineManifest:
    """What the engine of a folder is.

    Raises: NotFound: the folder holds no engine. Invalid: its manifest cannot be read.
    """
    path = folder / MANIFEST_FILE
    try:
        text = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"{folder} holds no engine: there is no {MANIFEST_FILE}", "Run farm fetch NAME -o DIR."
        ) from None
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}", "Fetch the engine again.") from error
    try:
        return loads(EngineManifest, text)
    except Invalid as error:
        raise Invalid(f"{path} is not the manifest of an engine: {error.message}", "Fetch the engine again.") from error


def write_manifest(folder: Path, manifest: EngineManifest) -> None:
    """Write the manifest in one step."""
    partial = folder / (MANIFEST_FILE + ".part")
    partial.write_text(dumps(manifest) + "\n", encoding="utf-8")
    os.replace(str(partial), str(folder / MANIFEST_FILE))


def is_bundle(folder: Path) -> bool:
    """The folder holds an engine that the farm put there."""
    try:
        read_manifest(folder)
    except (NotFound, Invalid):
        return False
    return True


def check_bytes(folder: Path, item: FileRef) -> None:
    """One file of a bundle is there, with the bytes its manifest says.

    Raises: NotFound, BlobCorrupt, Invalid
    """
    path = folder / check_relative(item.name)
    try:
        found = file_ref(path)
    except FileNotFoundError:
        raise NotFound(f"{path} is missing", "Fetch the engine again.") from None
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror}", "Fetch the engine again.") from error
    if found.sha256 != item.sha256:
        raise BlobCorrupt(f"{path} is damaged: it is not {item.sha256[:12]}", "Fetch the engine again.")
