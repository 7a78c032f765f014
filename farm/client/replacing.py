"""What a fetch may replace: an empty folder, or an engine of the same model with nothing of anybody else beside it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Iterator, Optional

from farm.protocol.engine import MANIFEST_FILE, EngineManifest
from farm.protocol.errors import Conflict, Invalid, NotFound
from farm.runtime.bundle import read_manifest

_ELSEWHERE = "Give another folder with -o"


def check_same_model(folder: Path, manifest: EngineManifest, force: bool) -> None:
    """The folder holds no engine of another model, or the caller wants that one replaced, and nothing but an engine.

    A model is the same one by its name, or by its digest under another name.

    Raises: Conflict: the sentence names what is there.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise Conflict(f"{folder} is a file, not a folder for an engine", f"{_ELSEWHERE}.")
    there = _engine_in(folder)
    if there is None:
        if any(folder.iterdir()):
            raise Conflict(f"{folder} holds something that is not an engine of the farm", f"{_ELSEWHERE}.")
    elif not force and there.model_name != manifest.model_name and there.model != manifest.model:
        raise Conflict(
            f"{folder} holds the engine of {there.model_name}, not of {manifest.model_name}",
            f"{_ELSEWHERE}, or replace that engine with --force.",
        )


def check_nothing_lost(folder: Path) -> None:
    """Whatever is in the folder came with its engine, so that it can come again.

    Raises: Conflict: names a file that did not.
    """
    there = _engine_in(folder)
    if there is None:
        return
    known = {MANIFEST_FILE, f"{MANIFEST_FILE}.part", *(item.name for item in there.files)}
    foreign = next((name for name in _files(folder) if name not in known), None)
    if foreign is not None:
        raise Conflict(
            f"{folder} holds {foreign}, which is not of the engine there and would be lost",
            f"Move it away, or {_ELSEWHERE[0].lower()}{_ELSEWHERE[1:]}.",
        )


def _engine_in(folder: Path) -> Optional[EngineManifest]:
    try:
        return read_manifest(folder)
    except (NotFound, Invalid):
        return None


def _files(folder: Path) -> Iterator[str]:
    for place, folders, names in os.walk(str(folder)):
        links = [name for name in folders if os.path.islink(os.path.join(place, name))]
        for name in sorted([*names, *links]):
            yield os.path.relpath(os.path.join(place, name), str(folder)).replace(os.sep, "/")
