"""Compiles the files of plugins as devices do, each once for its content: objects are kept in `FARM_TEST_CACHE`."""

from __future__ import annotations

import hashlib
import operator as op
import os
import re
import subprocess
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from farm.device.headers import Headers

from .toolchains import Nvcc

PLUGINS = Path(__file__).parents[2] / "plugins"
# As `plugins/CMakeLists.txt` has them, but that warnings are errors for host and device code.
_HOST = ("-std=c++17", "-O2", "-fPIC", "-fvisibility=hidden", "-Wall", "-Wextra", "-Wpedantic", "-Werror")
_DEVICE = ("-std=c++17", "-O3", "--Werror=all-warnings", "-Xcompiler=-Wall,-Wextra,-Werror,-fPIC,-fvisibility=hidden")
_QUICKLY = {"11": ("-Xcicc=-O1",), "13": ("--Ofast-compile=max",)}
_COMPARED = re.compile(r"\b__CUDA_ARCH__ ([<>=!]=?) (\d+)")
_COMPARISONS = {"<": op.lt, "<=": op.le, "==": op.eq, "!=": op.ne, ">=": op.ge, ">": op.gt}
_INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def kernel(folder: Path, nvcc: Nvcc) -> Path:
    """The object of a folder's `kernel.cu`, for all cards of this nvcc. No header of TensorRT is in sight.

    Raises: AssertionError: it does not compile; it holds what the compiler said.
    """
    unit = folder / "kernel.cu"
    codes = (
        f"-gencode=arch=compute_{cards[0]},code=[{','.join(f'sm_{card}' for card in cards)}]"
        for cards in alike(nvcc.cards, "\n".join(path.read_text() for path in included(unit)))
    )
    quickly = () if nvcc.fast_code else _QUICKLY.get(nvcc.version.partition(".")[0], ())
    command = [str(nvcc.path), *_DEVICE, *quickly, "--threads=2", *codes, f"-I{PLUGINS}", "-c", str(unit)]
    return _made(command, "kernel.o", (unit,), nvcc.environ, nvcc.version)


def alike(cards: Iterable[str], code: str) -> list[tuple[str, ...]]:
    """The cards of one generation that this code does not tell apart: one intermediate code is compiled for all."""
    asked = [(_COMPARISONS[sign], int(limit)) for sign, limit in _COMPARED.findall(code)]
    groups: dict[tuple[object, ...], tuple[str, ...]] = {}
    for card in cards:
        key = (card[:-1], *(compare(int(card) * 10, limit) for compare, limit in asked))
        groups[key] = (*groups.get(key, ()), card)
    return list(groups.values())


def glue(folder: Path, trt: Headers, cuda: Path) -> Path:
    """The object of a folder's `plugin.cpp`, for one TensorRT.

    Raises: AssertionError: it does not compile; it holds what the compiler said.
    """
    foreign = (f"-isystem{trt.folder}", f"-isystem{cuda}")
    command = [_compiler(), *_HOST, f"-I{PLUGINS}", *foreign, "-c", str(folder / "plugin.cpp")]
    return _made(command, "plugin.o", (folder / "plugin.cpp",), os.environ, trt.version)


def library(folder: Path, nvcc: Nvcc, trt: Headers) -> Path:
    """The plugin library of a folder, with the runtime of CUDA in it.

    Raises: AssertionError: something of it does not compile; it holds what the compiler said.
    """
    objects = [str(kernel(folder, nvcc)), str(glue(folder, trt, nvcc.include))]
    exports = PLUGINS / "common/exports.map"
    command = [str(nvcc.path), "-shared", "-cudart=static", f"-Xlinker=--version-script={exports}", *objects]
    return _made(command, f"libfarm_{folder.name}.so", (exports,), nvcc.environ, trt.version)


def player(units: Sequence[Path], trt: Headers, nvcc: Nvcc) -> Path:
    """What plays TensorRT with plugins on a card.

    Raises: AssertionError: it does not compile; it holds what the compiler said.
    """
    near, foreign = units[0].parent, (f"-isystem={trt.folder}",)
    flags = ("-std=c++17", "-O2", "-shared", "-cudart=static", "-Xcompiler=-Wall,-Wextra,-Werror,-fPIC")
    command = [str(nvcc.path), *flags, f"-I{near}", f"-I{PLUGINS}", *foreign, *map(str, units), "-ldl"]
    return _made(command, "libplayer.so", [*units, *near.glob("*.hpp")], nvcc.environ, trt.version)


def _compiler() -> str:
    return os.environ.get("CXX", "g++")


def _made(command: list[str], name: str, units: Iterable[Path], environ: Mapping[str, str], version: str) -> Path:
    digest = hashlib.sha256(repr((command, version)).encode())
    for path in sorted({path for unit in units for path in included(unit)}):
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    cache = Path(os.environ.get("FARM_TEST_CACHE") or Path.home() / ".cache/farm-tests") / "plugins"
    made = cache / digest.hexdigest()[:24] / name
    if not made.exists():
        made.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=made.parent) as scratch:
            part = Path(scratch) / name
            done = subprocess.run(
                [*command, "-o", str(part)], env=environ, stderr=subprocess.STDOUT, stdout=subprocess.PIPE, text=True
            )
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[:4000]}"
            part.rename(made)
    return made


def included(unit: Path) -> set[Path]:
    """A file and every file of ours that it includes, at whatever depth."""
    found: set[Path] = set()
    waiting = [unit]
    while waiting:
        path = waiting.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        for name in _INCLUDE.findall(path.read_text()):
            waiting += [path.parent / name, PLUGINS / name]
    return found
