"""The structures of dlpack.h, and the element types that NumPy has, too."""

from __future__ import annotations

from ctypes import POINTER, Structure, c_int32, c_int64, c_uint8, c_uint16, c_uint32, c_uint64, c_void_p
from enum import IntEnum
from typing import Dict, Tuple

# What this farm reads and writes; a newer minor version only adds element types and devices.
VERSION = (1, 0)
READ_ONLY = 1


class DeviceKind(IntEnum):
    """`DLDeviceType`, as far as the farm knows it."""

    CPU = 1
    CUDA = 2
    CUDA_HOST = 3
    CUDA_MANAGED = 13


# Memory that the processor reads, and memory that an NVIDIA GPU does.
ON_HOST = frozenset((DeviceKind.CPU, DeviceKind.CUDA_HOST))
ON_GPU = frozenset((DeviceKind.CUDA, DeviceKind.CUDA_MANAGED))

_CODES = {0: "int", 1: "uint", 2: "float", 6: "bool"}
_OTHER_CODES = {3: "opaque", 4: "bfloat", 5: "complex"}


class DlDevice(Structure):
    """Where."""

    _fields_ = (("kind", c_int32), ("ordinal", c_int32))


class DlType(Structure):
    """Of one element; `lanes` of them are a vector."""

    _fields_ = (("code", c_uint8), ("bits", c_uint8), ("lanes", c_uint16))


class DlTensor(Structure):
    """Strides count elements; without them the last axis is dense and so on."""

    _fields_ = (
        ("data", c_void_p),
        ("device", DlDevice),
        ("ndim", c_int32),
        ("type", DlType),
        ("shape", POINTER(c_int64)),
        ("strides", POINTER(c_int64)),
        ("byte_offset", c_uint64),
    )


class DlManaged(Structure):
    """A tensor and who gives its memory back, before version 1."""

    _fields_ = (("tensor", DlTensor), ("context", c_void_p), ("deleter", c_void_p))


class DlVersion(Structure):
    """Only equal majors understand each other."""

    _fields_ = (("major", c_uint32), ("minor", c_uint32))


class DlVersioned(Structure):
    """The same from version 1 on."""

    _fields_ = (
        ("version", DlVersion),
        ("context", c_void_p),
        ("deleter", c_void_p),
        ("flags", c_uint64),
        ("tensor", DlTensor),
    )


def type_name(code: int, bits: int, lanes: int) -> str:
    """As NumPy calls it; for what NumPy lacks a name that people know it by."""
    if code in _CODES and lanes == 1:
        return "bool" if _CODES[code] == "bool" else f"{_CODES[code]}{bits}"
    vector = f" x {lanes}" if lanes != 1 else ""
    return f"{_CODES.get(code) or _OTHER_CODES.get(code) or f'type {code} of '}{bits}{vector}"


def type_of(name: str) -> Tuple[int, int]:
    """Code and bits of a NumPy element type."""
    return NUMPY_TYPES[name]


def dense(shape: Tuple[int, ...]) -> Tuple[int, ...]:
    """Strides in elements of an array whose last axis is the fastest."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return tuple(strides)


def place_name(kind: int, ordinal: int) -> str:
    """A device of DLPack, for people."""
    if kind in ON_GPU:
        return f"GPU {ordinal}"
    return "the processor" if kind in ON_HOST else f"a device of DLPack's kind {kind}"


NUMPY_TYPES: Dict[str, Tuple[int, int]] = {
    **{f"{sign}int{bits}": (code, bits) for code, sign in enumerate(("", "u")) for bits in (8, 16, 32, 64)},
    **{f"float{bits}": (2, bits) for bits in (16, 32, 64)},
    "bool": (6, 8),
}
