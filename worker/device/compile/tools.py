"""The tools that compile plugins for a target on this machine; one that is missing is named with what brings it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Dict, Optional, Sequence

from farm.backends.tensorrt.capabilities import TensorRtCapabilities
from farm.backends.tensorrt.headers import fitting
from farm.device.headers import Headers, all_headers
from farm.device.machine import Machine
from farm.device.toolchain import (
    OLDEST_CMAKE,
    Tool,
    all_nvcc,
    cxx_version,
    find_cmake,
    find_cxx,
    find_generator,
    is_new_enough,
)
from farm.protocol.errors import FarmError, Unsupported
from farm.protocol.plugins import PluginKey

from .packages import packages

_GENERATORS = {"make": "Unix Makefiles", "ninja": "Ninja"}


@dataclass(frozen=True)
class Tools:
    """What a library is made with.

    Attributes:
        generator: Of CMake.
        compilers: What each compiler says of itself, in full.
    """

    nvcc: Tool
    cxx: str
    cmake: str
    generator: str
    headers: Headers
    compilers: Dict[str, str]


def find_tools(machine: Machine, key: PluginKey, can: TensorRtCapabilities) -> Tools:
    """The tools that the key names.

    Raises: Unsupported: one is missing, or is another than when this worker enrolled.
    """
    cxx, cmake, make = find_cxx(machine), find_cmake(machine), find_generator(machine)
    if cxx is None:
        raise _missing(machine, can, "a C++ compiler", "cxx")
    nvcc = _nvcc(machine, key, can)
    if cmake is None or not is_new_enough(cmake.version):
        oldest = ".".join(map(str, OLDEST_CMAKE))
        there = f", and this device has {cmake.version}" if cmake else ""
        raise _missing(machine, can, f"CMake {oldest} or later{there}", "cmake")
    if make is None:
        raise _missing(machine, can, "make", "make")
    headers = fitting(all_headers(machine), can)
    if headers is None:
        raise _no_headers(machine, can)
    compilers = {
        "nvcc": _last_line(machine.output(nvcc.path, "--version")),
        "cxx": machine.output(cxx, "--version").partition("\n")[0],
        "cmake": cmake.version,
        "tensorrt_headers": headers.version,
    }
    return Tools(nvcc, cxx, cmake.path, _GENERATORS[make], headers, compilers)


def _nvcc(machine: Machine, key: PluginKey, can: TensorRtCapabilities) -> Tool:
    """The CUDA compiler of the key, which knows its cards."""
    found, wanted = tuple(all_nvcc(machine)), key.compilers.get("nvcc")
    if not found:
        raise _missing(machine, can, "nvcc", "nvcc")
    _same("C++ compiler", key.compilers.get("cxx"), cxx_version(machine))
    tool = next((item for item in found if item.version == wanted), None)
    if tool is None:
        _same("nvcc", wanted, found[0].version)
    tool = tool or found[0]
    lacking = _lacking(machine, tool, key.compute_capabilities)
    if lacking:
        raise Unsupported(
            f"nvcc {tool.version} compiles nothing for compute capability {', '.join(lacking)}",
            "Install a CUDA toolkit that does beside it (12.9 and older know Volta and Xavier, 12.8 and later "
            "Blackwell), and name its folder in FARM_TOOLCHAIN.",
        )
    return tool


def _lacking(machine: Machine, nvcc: Tool, cards: Sequence[str]) -> Sequence[str]:
    known = machine.output(nvcc.path, "--list-gpu-code").split()
    return [card for card in cards if f"sm_{card.replace('.', '')}" not in known]


def _same(name: str, enrolled: Optional[str], here: Optional[str]) -> None:
    if enrolled != here:
        raise Unsupported(
            f"the {name} is {here}, and was {enrolled or 'missing'} when this worker enrolled",
            "Restart the worker, so that it enrols with what the device has now.",
        )


def _no_headers(machine: Machine, can: TensorRtCapabilities) -> FarmError:
    there = all_headers(machine)
    others = ", ".join(f"{item.version} in {item.folder}" for item in there)
    had = f", and this device has those of {others}" if others else ""
    return _missing(machine, can, f"the headers of {can.name}{had}", "headers")


def _missing(machine: Machine, can: TensorRtCapabilities, what: str, tool: str) -> FarmError:
    return Unsupported(f"plugins cannot be compiled here without {what}", packages(machine, can)[tool])


def _last_line(text: str) -> str:
    return text.rpartition("\n")[2]
