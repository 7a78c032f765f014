"""The folder of a plugin on this machine: which of its files are sources, by content."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Tuple

from farm.filehash import file_ref
from farm.protocol.errors import Invalid
from farm.protocol.model import FileRef
from farm.protocol.plugins import COMMON_FOLDER, MANIFEST_NAME, PluginManifest

from .manifest import read_manifest

BUILD_FILE = "CMakeLists.txt"
# What a compiler reads. The rest (a README, the NumPy reference, tests) changes no library, and so no key.
_SUFFIXES = frozenset((".c", ".cc", ".cmake", ".cpp", ".cu", ".cuh", ".h", ".hpp", ".inc", ".inl", ".map"))
_NAMES = frozenset((MANIFEST_NAME, BUILD_FILE))
_TESTS = "_test"
_MOST_FILES = 256


@dataclass(frozen=True)
class PluginFolder:
    """A plugin as it lies here.

    Attributes:
        files: Its sources, relative to the folder, in the order of their names.
        paths: Where each is, by sha256.
    """

    manifest: PluginManifest
    files: Tuple[FileRef, ...]
    paths: Dict[str, Path]


def shipped_folder() -> Path:
    """Where the plugins lie that came with farm: beside this package, as data."""
    return Path(__file__).resolve().parents[2] / "plugins"


def shipped_plugins(root: Path) -> Tuple[Path, ...]:
    """The folders of the plugins in a folder of plugins."""
    return tuple(sorted(path.parent for path in root.glob(f"*/{MANIFEST_NAME}")))


def read_folder(folder: Path) -> PluginFolder:
    """The plugin in a folder.

    Raises: Invalid: it has no `plugin.toml` that can be read, no sources, or is called otherwise than its plugin.
    """
    path = folder / MANIFEST_NAME
    if not path.is_file():
        raise Invalid(f"{folder} has no {MANIFEST_NAME}", "farm plugin new NAME makes a folder with one.")
    manifest = read_manifest(path.read_bytes())
    if manifest.name != folder.resolve().name:
        raise Invalid(f"the folder {folder} has a plugin that is called {manifest.name}", "Give both one name.")
    files = _files(folder, folder)
    if len(files) < 2:
        raise Invalid(f"{folder} has nothing to compile", f"Sources end with {', '.join(sorted(_SUFFIXES))}.")
    return PluginFolder(manifest, files, _paths(folder, files))


def read_common(root: Path) -> Tuple[Tuple[FileRef, ...], Dict[str, Path]]:
    """What the plugins in a folder share, `CMakeLists.txt` and `common/`, and where each file is by sha256."""
    build = (file_ref(root / BUILD_FILE, BUILD_FILE),) if (root / BUILD_FILE).is_file() else ()
    files = (*build, *_files(root, root / COMMON_FOLDER))
    return files, _paths(root, files)


def _files(root: Path, folder: Path) -> Tuple[FileRef, ...]:
    found = [path for path in folder.rglob("*") if _is_source(path.relative_to(folder)) and path.is_file()]
    if len(found) > _MOST_FILES:
        raise Invalid(f"{folder} has {len(found)} sources, and may have {_MOST_FILES}", "Is it a plugin's folder?")
    return tuple(file_ref(root / name, name) for name in sorted(path.relative_to(root).as_posix() for path in found))


def _is_source(path: Path) -> bool:
    hidden = any(part.startswith(".") or part == "build" for part in path.parts)
    return not hidden and (path.name in _NAMES or (path.suffix in _SUFFIXES and not path.stem.endswith(_TESTS)))


def _paths(root: Path, files: Tuple[FileRef, ...]) -> Dict[str, Path]:
    return {item.sha256: root / item.name for item in files}
