"""A plugin's `kernel.cu` as a library for the processor, compiled once for each content. It needs g++, nothing of CUDA.

Beside the kernel lies what tests call: `tests/plugins/NAME/binding.cpp`, functions in C that take pointers, `int64_t`
and `double`, and return a `cudaError_t`. The same file serves a library for a card.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
_HERE = Path(__file__).parent
_RUNTIME = tuple(_HERE / name for name in ("block.cpp", "fiber.cpp", "half.cpp"))
_FLAGS = (
    "-x",
    "c++",
    "-std=c++17",
    "-g1",
    "-fPIC",
    "-shared",
    "-pthread",
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-unknown-pragmas",
    "-ffp-contract=off",
    "-fno-omit-frame-pointer",
    f"-I{_HERE / 'include'}",
    f"-I{ROOT / 'plugins'}",
)
# The kernels are under suspicion, not what plays them, which switches threads millions of times.
_PLAYER = ("-O2",)
# Not every check of undefined behaviour: the others find nothing here and double the time to compile.
_CHECKS = "address,alignment,bounds,float-cast-overflow,integer-divide-by-zero,shift,signed-integer-overflow"
_SUSPECT = ("-O1", f"-fsanitize={_CHECKS}", "-fno-sanitize-recover=all")


def compiler() -> str:
    """The C++ compiler of the machine; tests without one cannot prove anything, so they fail."""
    return os.environ.get("CXX", "g++")


def units_of(name: str) -> list[Path]:
    """What is compiled of a plugin: its kernel and what tests call of it; of what plugins share, a kernel of tests."""
    tests = ROOT / "tests/plugins" / name
    kernel = ROOT / "plugins" / name / "kernel.cu"
    return [kernel, tests / "binding.cpp"] if kernel.exists() else [tests / "kernel.cu"]


def library(*units: Path) -> Path:
    """The library of a kernel and of what tests call of it.

    Raises: subprocess.CalledProcessError: it does not compile.
    """
    return beside(runtime(), *units)


def beside(needed: Path, *units: Path, flags: Sequence[str] = ()) -> Path:
    """A library of these sources, which needs another one.

    Args:
        needed: Another library of this module.
        units: What is compiled; the folder of the first is looked into for headers.
        flags: For the compiler, besides its own.

    Raises: subprocess.CalledProcessError: it does not compile.
    """
    near = {path for unit in units for path in _sources(unit.parent)}
    read = [*sorted(near), *_sources(ROOT / "plugins/common"), *_player()]
    link = ("-x", "none", str(needed), f"-Wl,-rpath,{needed.parent}")
    return _made(units[0].parent.name, units, read, (*_SUSPECT, f"-I{units[0].parent}", *flags), link)


def preloaded() -> str:
    """What must be in a process before everything else: the address sanitizer, and whose exceptions it watches."""
    names = ("libasan.so", "libstdc++.so.6")
    found = (
        subprocess.run([compiler(), f"-print-file-name={name}"], check=True, capture_output=True, text=True).stdout
        for name in names
    )
    return " ".join(path.strip() for path in found)


def _sources(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.suffix in (".cu", ".cuh", ".hpp", ".h", ".cpp")]


def _player() -> list[Path]:
    return [*_sources(_HERE / "include"), *_RUNTIME, _HERE / "fiber.hpp"]


@cache
def runtime() -> Path:
    """What plays CUDA."""
    return _made("cpu", _RUNTIME, _player(), _PLAYER, ())


@cache
def _version() -> str:
    return subprocess.run([compiler(), "--version"], check=True, capture_output=True, text=True).stdout


def _made(name: str, units: Sequence[Path], read: Iterable[Path], flags: Sequence[str], link: Sequence[str]) -> Path:
    digest = hashlib.sha256(repr((_version(), _FLAGS, flags, link)).encode())
    for path in read:
        digest.update(f"{path}\n".encode() + path.read_bytes())
    cache_folder = Path(os.environ.get("FARM_TEST_CACHE") or Path.home() / ".cache/farm-tests") / "kernels"
    cache_folder.mkdir(parents=True, exist_ok=True)
    made = cache_folder / f"{name}-{digest.hexdigest()[:16]}.so"
    if not made.exists():
        with tempfile.TemporaryDirectory(dir=cache_folder) as folder:
            part = Path(folder) / "part.so"
            subprocess.run([compiler(), *_FLAGS, *flags, "-o", part, *units, *link], check=True)
            part.rename(made)
    return made
