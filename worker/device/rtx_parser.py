"""Lets the parser of TensorRT for RTX find the library it belongs to, without which a graph with a plugin ends it.

For such a graph it opens `libtensorrt_rtx.so`. NVIDIA's package has that library as `libtensorrt_rtx.so.1` alone, and
where the parser finds no other it calls `std::terminate` (seen in 1.7.1). Where a library is looked for is settled when
a process starts, so this one starts again, with a folder more.
"""

from __future__ import annotations

import ctypes
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Mapping, Optional

from farm.protocol.work import BuildWork
from worker.settings import library_variables

_OPENED, _PACKAGED = "libtensorrt_rtx.so", "libtensorrt_rtx.so.1"
_PACKAGE = "tensorrt_rtx_libs"
_FOLDER = "home/rtx"


def start_again(work: BuildWork, module: str, workspace: Path) -> None:
    """Run a module again where a build of this process would end in the parser; else do nothing.

    Args:
        work: Of the build.
        module: That does it.
        workspace: Of it; one more folder is made there.
    """
    if work.key.target.backend != "tensorrt_rtx" or not work.key.plugins or _opens(_OPENED):
        return
    packaged = _packaged()
    folder = workspace / _FOLDER
    environ = with_folder(library_variables(), folder)
    if packaged is None or environ is None:
        return
    folder.mkdir(parents=True)
    (folder / _OPENED).symlink_to(packaged)
    os.execve(sys.executable, [sys.executable, "-m", module, str(workspace)], dict(environ))


def with_folder(environ: Mapping[str, str], folder: Path) -> Optional[Mapping[str, str]]:
    """The environment in which libraries are looked for in this folder, too; None where they are already."""
    known = list(filter(None, environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)))
    if str(folder) in known:
        return None
    return {**environ, "LD_LIBRARY_PATH": os.pathsep.join((str(folder), *known))}


def _opens(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _packaged() -> Optional[Path]:
    """The library in NVIDIA's package."""
    spec = find_spec(_PACKAGE)
    for place in (spec.submodule_search_locations if spec else None) or ():
        if (Path(place) / _PACKAGED).is_file():
            return Path(place) / _PACKAGED
    return None
