"""How files and folders become durable, or change in one step."""

from __future__ import annotations

import os
from pathlib import Path


def make_folder(path: Path) -> None:
    """Make a folder and its parents, so that they are still there after a power cut."""
    if path.is_dir():
        return
    make_folder(path.parent)
    path.mkdir(exist_ok=True)
    sync(path.parent)


def sync(path: Path) -> None:
    """Make the bytes of a file, or the names in a folder, durable."""
    opened = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def write_whole(path: Path, text: str) -> None:
    """Replace a small file so that a reader finds the old text or the new one, never a half."""
    young = path.with_suffix(".new")
    young.write_text(text)
    os.replace(young, path)
