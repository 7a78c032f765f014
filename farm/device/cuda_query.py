"""What the CUDA driver says of its devices, as JSON. A program of its own: it is run, never imported.

The driver's library starts threads and holds state that no fork survives, and may crash where driver and kernel module
disagree: so it is only ever loaded in this short-lived process. The same calls work on x86 cards and on Jetson, where
NVML does not exist.
"""

from __future__ import annotations

import ctypes
import json
import sys
from typing import Any, Dict, Optional

_SM_COUNT, _INTEGRATED, _MAJOR, _MINOR = 16, 18, 75, 76
_LIBRARIES = ("libcuda.so.1", "libcuda.so", "/usr/lib/aarch64-linux-gnu/tegra/libcuda.so.1")


def query() -> Dict[str, Any]:
    """The driver's CUDA version and each device, or why nothing can be said."""
    cuda = _load()
    if cuda is None:
        return {"error": "libcuda.so.1 is not installed"}
    status = cuda.cuInit(0)
    if status:
        return {"error": f"cuInit answered {status} ({_error_name(cuda, status)})"}
    version, count = ctypes.c_int(), ctypes.c_int()
    cuda.cuDriverGetVersion(ctypes.byref(version))
    cuda.cuDeviceGetCount(ctypes.byref(count))
    return {"cuda": version.value, "devices": [_device(cuda, index) for index in range(count.value)]}


def _load() -> Optional[Any]:
    for name in _LIBRARIES:
        try:
            return ctypes.CDLL(name)
        except OSError:
            continue
    return None


def _error_name(cuda: Any, status: int) -> str:
    text = ctypes.c_char_p()
    cuda.cuGetErrorName(status, ctypes.byref(text))
    return (text.value or b"unknown").decode()


def _device(cuda: Any, index: int) -> Dict[str, Any]:
    device = ctypes.c_int()
    cuda.cuDeviceGet(ctypes.byref(device), index)
    name, total, uuid = ctypes.create_string_buffer(256), ctypes.c_size_t(), ctypes.create_string_buffer(16)
    cuda.cuDeviceGetName(name, len(name), device)
    cuda.cuDeviceTotalMem_v2(ctypes.byref(total), device)
    # Only the second version tells the slices of one card apart; it is younger than some drivers.
    get_uuid = getattr(cuda, "cuDeviceGetUuid_v2", None) or getattr(cuda, "cuDeviceGetUuid", None)
    known = get_uuid is not None and get_uuid(uuid, device) == 0
    return {
        "name": name.value.decode("utf-8", "replace"),
        "compute_capability": f"{_attribute(cuda, device, _MAJOR)}.{_attribute(cuda, device, _MINOR)}",
        "sm_count": _attribute(cuda, device, _SM_COUNT),
        "integrated": bool(_attribute(cuda, device, _INTEGRATED)),
        "memory_bytes": total.value,
        "uuid": uuid.raw.hex() if known else "",
    }


def _attribute(cuda: Any, device: Any, number: int) -> int:
    value = ctypes.c_int()
    cuda.cuDeviceGetAttribute(ctypes.byref(value), number, device)
    return value.value


if __name__ == "__main__":
    json.dump(query(), sys.stdout)
