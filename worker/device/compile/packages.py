"""What brings a missing tool, on the platform that lacks it."""

from __future__ import annotations

from typing import Dict

from farm.backends.tensorrt.capabilities import TensorRtCapabilities
from farm.device.jetson import probe_jetson
from farm.device.machine import Machine

_DEBIAN = "/etc/debian_version"
_NAME = "Name its folder in FARM_TOOLCHAIN where it lies elsewhere."


def packages(machine: Machine, can: TensorRtCapabilities) -> Dict[str, str]:
    """What to do for each tool: `cxx`, `nvcc`, `cmake`, `make`, `headers`."""
    if not machine.path(_DEBIAN).exists():
        return _elsewhere(can)
    found = {
        "cxx": "Run apt install g++.",
        "nvcc": "Install NVIDIA's package cuda-nvcc of the CUDA of this machine, or apt install nvidia-cuda-toolkit.",
        "cmake": "Run apt install cmake, or pip install cmake in the environment of the worker.",
        "make": "Run apt install make.",
        "headers": _headers(can),
    }
    if probe_jetson(machine) is not None:
        # JetPack 5 is Ubuntu 20.04, whose CMake is older than the first that knows CUDA's architectures.
        found["cmake"] = "Run pip install cmake in the environment of the worker: JetPack's own is too old."
        found["nvcc"] = "Run apt install nvidia-cuda (or nvidia-jetpack), which brings /usr/local/cuda/bin/nvcc."
        found["headers"] = "Run apt install tensorrt-dev (or nvidia-jetpack), which brings libnvinfer-dev."
    return found


def _headers(can: TensorRtCapabilities) -> str:
    if can.rtx:
        return (
            "Unpack NVIDIA's archive of TensorRT for RTX, or the headers of a TensorRT of "
            f"10.0 to {'.'.join(map(str, can.api[:2]))}, and name the folder above include in TENSORRT_ROOT."
        )
    return (
        f"Run apt install libnvinfer-dev (of {can.version}), or unpack the headers of NVIDIA's archive and name the "
        "folder above include in TENSORRT_ROOT."
    )


def _elsewhere(can: TensorRtCapabilities) -> Dict[str, str]:
    return {
        "cxx": f"Install g++ from the packages of this system. {_NAME}",
        "nvcc": f"Install NVIDIA's CUDA toolkit. {_NAME}",
        "cmake": "Run pip install cmake in the environment of the worker.",
        "make": "Install make from the packages of this system.",
        "headers": _headers(can).replace("Run apt install libnvinfer-dev", "Install libnvinfer-devel"),
    }
