"""Copies logs that still grow: of each a piece that it began with."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from pathlib import Path


def copy(source: Path, target: Path) -> None:
    """Copy what is there now; logs that went stay as they were copied before."""
    target.mkdir(parents=True, exist_ok=True)
    for folder in sorted(source.iterdir()) if source.is_dir() else ():
        made = target / folder.name
        made.mkdir(exist_ok=True)
        for segment in names(folder):
            # A log that became blobs meanwhile is in the copy of the database, or was copied before.
            try:
                shutil.copyfile(folder / segment, made / segment)
            except FileNotFoundError:
                continue


def keep_only(target: Path, attempts: Collection[str]) -> None:
    """Forget the copied logs of all others."""
    for name in names(target):
        if name not in attempts:
            shutil.rmtree(target / name)


def names(folder: Path) -> list[str]:
    """What a folder holds, in order; nothing where it went."""
    try:
        return sorted(path.name for path in folder.iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return []
