"""The kernels of plugins as libraries for this machine's card, with what tests call of them."""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from tests.plugins.cpu.compiled import ROOT, units_of

from .memory import compute_capability

_FLAGS = ("-std=c++17", "-O3", "-lineinfo", "--shared", "-Xcompiler=-fPIC", "-cudart=static")


@cache
def library(name: str) -> ctypes.CDLL:
    """That of a plugin, compiled with the nvcc of the machine for its first card.

    Raises: subprocess.CalledProcessError: it does not compile.
    """
    units = units_of(name)
    card = compute_capability()
    digest = hashlib.sha256(f"{card} {_FLAGS}".encode())
    for path in sorted([*(ROOT / "plugins").rglob("*.*"), *(ROOT / "tests/plugins").rglob("*.[ch]pp")]):
        if path.suffix in (".cu", ".cuh", ".hpp", ".cpp"):
            digest.update(path.read_bytes())
    made = Path(tempfile.gettempdir()) / "farm-plugins" / f"{name}-{card}-{digest.hexdigest()[:16]}.so"
    if not made.exists():
        made.parent.mkdir(exist_ok=True)
        includes = [f"-I{ROOT / 'plugins'}", f"-I{units[0].parent}"]
        part = made.with_suffix(".part")
        nvcc = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
        subprocess.run([nvcc, *_FLAGS, f"-arch=sm_{card}", *includes, "-o", part, *units], check=True)
        part.rename(made)
    return ctypes.CDLL(str(made))
