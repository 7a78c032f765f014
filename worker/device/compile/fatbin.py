"""The device code in a library: which cards nvcc put machine code and PTX for into its section `.nv_fatbin`.

`cuobjdump -lelf` tells the same, where it is installed: since CUDA 12 it is a package of its own. The headers of a
container and of its entries are not compressed, whatever their content is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Iterator, Tuple

SECTION = ".nv_fatbin"

_MAGIC = 0xBA55ED50
# Magic, version, size of this header, size of the entries; then, for each, kind, version, size of its header and of
# its content, and at byte 28 the compute capability.
_CONTAINER = struct.Struct("<IHHQ")
_ENTRY = struct.Struct("<HHIQ12xI")
_PTX, _ELF = 1, 2
_ALIGNMENT = 8


@dataclass(frozen=True)
class DeviceCode:
    """Compute capabilities as `8.7`, each once, in their order.

    Attributes:
        machine: There is machine code for these.
        ptx: And code that a driver compiles for these and later ones.
    """

    machine: Tuple[str, ...]
    ptx: Tuple[str, ...]


def device_code(section: bytes) -> DeviceCode:
    """What the section holds; nothing where its form is unknown."""
    entries = set(_entries(section))
    return DeviceCode(*(tuple(_spelled(arch) for kind, arch in sorted(entries) if kind == one) for one in (_ELF, _PTX)))


def _entries(section: bytes) -> Iterator[Tuple[int, int]]:
    """Kind and architecture of each."""
    place = 0
    while place + _CONTAINER.size <= len(section):
        magic, _, header, size = _CONTAINER.unpack_from(section, place)
        if magic != _MAGIC:
            place += _ALIGNMENT  # between containers
            continue
        entry, end = place + header, min(place + header + size, len(section))
        while entry + _ENTRY.size <= end:
            kind, _, own, content, arch = _ENTRY.unpack_from(section, entry)
            yield kind, arch
            entry += max(own + content, _ALIGNMENT)
        place = end


def _spelled(arch: int) -> str:
    return f"{arch // 10}.{arch % 10}"
