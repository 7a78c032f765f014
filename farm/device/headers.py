"""TensorRT's headers, which plugins are compiled against: where they are looked for, and their versions."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Dict, Iterator, Optional, Tuple

from .machine import Machine

# Debian packages and JetPack, tar archives and NVIDIA's containers, in the order in which they are believed.
_FOLDERS = (
    "/usr/include/{architecture}-linux-gnu",
    "/usr/include",
    "/usr/local/include",
    "/usr/local/tensorrt/include",
    "/opt/tensorrt/include",
    "/usr/src/tensorrt/include",
    "/usr/local/cuda/include",
)
_SEVERAL = ("/opt/tensorrt/*/include", "/usr/local/TensorRT-*/include", "/opt/TensorRT-*/include")
_VERSION_HEADER = "NvInferVersion.h"
_NUMBERS = ("MAJOR", "MINOR", "PATCH", "BUILD")
# Only TensorRT for RTX has it, with a number; it counts for itself, from 1 on.
_RTX_MARK = "TRT_MAJOR_RTX"


@dataclass(frozen=True)
class Headers:
    """A folder with TensorRT's headers.

    Attributes:
        version: Full, such as `8.5.2.2`.
        rtx: They are those of TensorRT for RTX.
    """

    folder: str
    version: str
    rtx: bool = False


def all_headers(machine: Machine) -> Tuple[Headers, ...]:
    """Every folder with headers, the one that is believed first in front."""
    return tuple(_found(machine))


def headers_like(machine: Machine, version: Optional[str]) -> Optional[Headers]:
    """The headers of this major and minor version, else the first there are, else None."""
    found = all_headers(machine)
    wanted = (version or "").split(".")[:2]
    same = [item for item in found if item.version.split(".")[:2] == wanted]
    return next(iter((*same, *found)), None)


def headers_version(machine: Machine) -> Optional[str]:
    """Version of the first headers, such as `8.5.2.2`, or None."""
    found = headers_like(machine, None)
    return found.version if found else None


def _found(machine: Machine) -> Iterator[Headers]:
    own = [f"{base}/include" for base in machine.search]
    usual = [folder.format(architecture=machine.architecture) for folder in _FOLDERS]
    several = [folder for pattern in _SEVERAL for folder in machine.glob(pattern)]
    for folder in dict.fromkeys((*own, *usual, *several)):
        told = machine.text(f"{folder}/{_VERSION_HEADER}")
        macros = dict(re.findall(r"^#define\s+(\w+)\s+(\w+)", told, re.MULTILINE))
        version = ".".join(filter(None, (_number(macros, f"NV_TENSORRT_{part}") for part in _NUMBERS)))
        if version:
            yield Headers(folder, version, rtx=_RTX_MARK in macros)


def _number(macros: Dict[str, str], name: str) -> Optional[str]:
    # Later releases define the number under the name of the product and refer to it.
    value = macros.get(name)
    if value is not None and not value[0].isdigit():
        value = macros.get(value)
    return value if value is not None and value.isdigit() else None
