"""What compiles plugins here: where each tool is looked for, and its version."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Dict, Iterator, Optional, Sequence

from .checks.generations import nvcc_problem
from .headers import headers_version
from .machine import Machine

_CUDA_BIN = "/usr/local/cuda/bin"
_COMPILERS = ("c++", "g++", "clang++")
# The first that plugins' CMakeLists.txt takes; JetPack 5 has 3.16 and gets a later one as a wheel.
OLDEST_CMAKE = (3, 18)


@dataclass(frozen=True)
class Tool:
    """A program that is there.

    Attributes:
        path: Of the program.
        version: In numbers, such as `13.0.88`.
    """

    path: str
    version: str


def probe_toolchain(machine: Machine, cards: Sequence[str] = ()) -> Dict[str, str]:
    """Versions of `nvcc`, `cxx`, `cmake` and `tensorrt_headers`; what is missing is absent.

    Of several CUDA compilers the first that knows all these compute capabilities, else the first.
    """
    several = tuple(all_nvcc(machine))
    knowing = [tool for tool in several if not any(nvcc_problem(card, tool.version) for card in cards)]
    nvcc = next(iter((*knowing, *several)), None)
    cmake = find_cmake(machine)
    found = {
        "nvcc": nvcc.version if nvcc else None,
        "cxx": cxx_version(machine),
        "cmake": cmake.version if cmake else None,
        "tensorrt_headers": headers_version(machine),
    }
    return {name: version for name, version in found.items() if version}


def all_nvcc(machine: Machine) -> Iterator[Tool]:
    """Every CUDA compiler, each version once; first that of the toolkit's own folder, which agrees with its headers."""
    others = [str(PurePosixPath(path).parent) for path in reversed(machine.glob("/usr/local/cuda-*/bin/nvcc"))]
    places = [machine.which("nvcc", _CUDA_BIN), *(machine.which("nvcc", folder) for folder in (*others, "/usr/bin"))]
    known = set()
    for path in dict.fromkeys(places):
        said = re.search(r"\bV(\d+\.\d+\.\d+)", machine.output(path, "--version")) if path else None
        if path and said and said.group(1) not in known:
            known.add(said.group(1))
            yield Tool(path, said.group(1))


def find_cxx(machine: Machine) -> Optional[str]:
    """The C++ compiler, or None."""
    return next(filter(None, (machine.which(name, "/usr/bin") for name in _COMPILERS)), None)


def cxx_version(machine: Machine) -> Optional[str]:
    """Family and version of the C++ compiler, such as `gcc-12.2.0`, or None."""
    compiler = find_cxx(machine)
    if compiler is None:
        return None
    first = machine.output(compiler, "--version").partition("\n")[0]
    found = re.search(r"(\d+\.\d+\.\d+)(?!.*\d\.\d)", first)
    family = "clang" if "clang" in first else "gcc"
    return f"{family}-{found.group(1)}" if found else None


def find_cmake(machine: Machine) -> Optional[Tool]:
    """CMake, or None: the first that is new enough, else the first there is. A wheel puts it beside the interpreter."""
    own = str(PurePosixPath(machine.interpreter).parent)
    places = [machine.which("cmake", folder) for folder in ("/usr/bin", "/usr/local/bin", own)]
    found = []
    for path in dict.fromkeys(filter(None, places)):
        said = re.search(r"cmake version (\d+\.\d+\.\d+)", machine.output(path, "--version"))
        if said:
            found.append(Tool(path, said.group(1)))
    return next((tool for tool in found if is_new_enough(tool.version)), found[0] if found else None)


def find_generator(machine: Machine) -> Optional[str]:
    """What CMake lets do the work, `make` or `ninja`; None where neither is there.

    `make` first: it starts compilers in its own process group, with which they end; `ninja` gives each one of its own.
    """
    return next((name for name in ("make", "ninja") if machine.which(name, "/usr/bin", "/usr/local/bin")), None)


def is_new_enough(cmake: str) -> bool:
    """This version of CMake configures plugins."""
    return tuple(int(part) for part in cmake.split(".")[:2]) >= OLDEST_CMAKE
