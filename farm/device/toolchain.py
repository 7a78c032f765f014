"""What compiles plugins here: where each tool is looked for, and its version."""

from __future__ import annotations

import re
from typing import Dict, Optional

from .machine import Machine

_CUDA_BIN = "/usr/local/cuda/bin"
_COMPILERS = ("c++", "g++", "clang++")
_INCLUDES = (
    "/usr/include/{architecture}-linux-gnu",
    "/usr/include",
    "/usr/local/include",
    "/usr/local/tensorrt/include",
    "/opt/tensorrt/include",
    "/usr/local/cuda/include",
)
_VERSION_HEADER = "NvInferVersion.h"


def probe_toolchain(machine: Machine) -> Dict[str, str]:
    """Versions of `nvcc`, `cxx`, `cmake` and `tensorrt_headers`; what is missing is absent."""
    found = {
        "nvcc": _nvcc_version(machine),
        "cxx": _cxx_version(machine),
        "cmake": _cmake_version(machine),
        "tensorrt_headers": headers_version(machine),
    }
    return {name: version for name, version in found.items() if version}


def find_nvcc(machine: Machine) -> Optional[str]:
    """The CUDA compiler, or None. The toolkit's own folder comes first: it agrees with the headers beside it."""
    return machine.which("nvcc", _CUDA_BIN)


def find_cxx(machine: Machine) -> Optional[str]:
    """The C++ compiler, or None."""
    return next(filter(None, (machine.which(name, "/usr/bin") for name in _COMPILERS)), None)


def find_cmake(machine: Machine) -> Optional[str]:
    """CMake, or None."""
    return machine.which("cmake", "/usr/bin", "/usr/local/bin")


def find_headers(machine: Machine) -> Optional[str]:
    """The folder with TensorRT's headers, or None."""
    own = [f"{base}/include" for base in machine.search]
    usual = [folder.format(architecture=machine.architecture) for folder in _INCLUDES]
    return next((folder for folder in (*own, *usual) if machine.path(f"{folder}/{_VERSION_HEADER}").exists()), None)


def headers_version(machine: Machine) -> Optional[str]:
    """Version of TensorRT's headers, such as `8.5.2.2`, or None."""
    folder = find_headers(machine)
    if folder is None:
        return None
    macros = dict(re.findall(r"^#define\s+(\w+)\s+(\w+)", machine.text(f"{folder}/{_VERSION_HEADER}"), re.MULTILINE))
    parts = [_number(macros, f"NV_TENSORRT_{part}") for part in ("MAJOR", "MINOR", "PATCH", "BUILD")]
    return ".".join(part for part in parts if part) or None


def _number(macros: Dict[str, str], name: str) -> Optional[str]:
    # Later releases define the number under the name of the product and refer to it.
    value = macros.get(name)
    if value is not None and not value[0].isdigit():
        value = macros.get(value)
    return value if value is not None and value.isdigit() else None


def _nvcc_version(machine: Machine) -> Optional[str]:
    nvcc = find_nvcc(machine)
    found = re.search(r"\bV(\d+\.\d+\.\d+)", machine.output(nvcc, "--version")) if nvcc else None
    return found.group(1) if found else None


def _cxx_version(machine: Machine) -> Optional[str]:
    compiler = find_cxx(machine)
    if compiler is None:
        return None
    first = machine.output(compiler, "--version").partition("\n")[0]
    found = re.search(r"(\d+\.\d+\.\d+)(?!.*\d\.\d)", first)
    family = "clang" if "clang" in first else "gcc"
    return f"{family}-{found.group(1)}" if found else None


def _cmake_version(machine: Machine) -> Optional[str]:
    cmake = find_cmake(machine)
    found = re.search(r"cmake version (\d+\.\d+\.\d+)", machine.output(cmake, "--version")) if cmake else None
    return found.group(1) if found else None
