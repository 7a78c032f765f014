"""The program trtexec of TensorRT: where it is, and its version as it tells it."""

from __future__ import annotations

import re
from typing import Optional, Sequence

from .headers import headers_version
from .machine import Machine

# Where JetPack, Debian packages, NVIDIA's containers and their tar archives put it.
_FOLDERS = ("/usr/src/tensorrt/bin", "/usr/local/tensorrt/bin", "/opt/tensorrt/bin")
_TIMEOUT_S = 30.0


def find_trtexec(machine: Machine) -> Optional[str]:
    """The program, or None: on the PATH, so that its owner can choose one, else where TensorRT puts it."""
    return machine.which("trtexec") or machine.which("trtexec", *_FOLDERS)


def trtexec_version(machine: Machine, bindings: Sequence[str] = ()) -> Optional[str]:
    """Its version; None where there is none, or where it does not start for want of its libraries.

    The banner lacks the fourth number, without which its engines would never match those of the binding: it comes from
    the binding or the headers beside it, where the other three agree.

    Args:
        machine: This one, or a recorded one.
        bindings: Versions of the Python bindings here.
    """
    program = find_trtexec(machine)
    banner = program and re.search(r"\[TensorRT v(\d+)\]", machine.output(program, "--help", timeout_s=_TIMEOUT_S))
    if not banner:
        return None
    short = _decoded(int(banner.group(1)))
    known = (*bindings, headers_version(machine))
    return next((version for version in known if version and version.startswith(short + ".")), short)


def _decoded(number: int) -> str:
    """`8502` is 8.5.2; from version 10 on each part has two digits: `100400` is 10.4.0."""
    minor, patch = (number // 100 % 100, number % 100) if number >= 100000 else (number // 100 % 10, number % 100)
    major = number // 10000 if number >= 100000 else number // 1000
    return f"{major}.{minor}.{patch}"
