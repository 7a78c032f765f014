"""DeviceFacts: everything measured on a device. What an engine is valid for is a smaller thing: see `target`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, Optional, Tuple


@dataclass(frozen=True)
class CpuFacts:
    """The processor of a device.

    Attributes:
        model: As the system names it, such as `AMD EPYC 9654`.
        cores: Logical processors this process may use.
        instruction_sets: Sorted names of the sets that change what a builder emits, such as `avx2`, `avx512f`.
    """

    model: str
    cores: int
    instruction_sets: Tuple[str, ...] = ()


@dataclass(frozen=True)
class GpuFacts:
    """One accelerator, as the driver tells it.

    Attributes:
        compute_capability: Such as `7.2`.
        mig_profile: Name of the MIG slice, or None for a whole card.
    """

    name: str
    compute_capability: str
    memory_bytes: int
    sm_count: int = 0
    uuid: str = ""
    integrated: bool = False
    mig_profile: Optional[str] = None


@dataclass(frozen=True)
class ImageFacts:
    """What surrounds a runtime that lives in the image of a container, in place of what the device itself has.

    Attributes:
        name: Reference of the image.
        libc: Such as `glibc-2.39`.
        cuda: As of a device.
        toolchain: As of a device.
    """

    name: str
    libc: str
    cuda: Optional[str] = None
    toolchain: Dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BackendFacts:
    """A runtime that a builder can use here.

    Attributes:
        name: The builder's name in the table of builders, such as `onnxruntime` or `tensorrt`.
        version: Full version, such as `8.5.2.2`.
        detail: What else changes its engines, such as the CUDA version it was made for.
        image: Where it lives, if the device runs each build in a container; None means on the device itself.
    """

    name: str
    version: str
    detail: Dict[str, str] = field(default_factory=dict)
    image: Optional[ImageFacts] = None


@dataclass(frozen=True)
class DeviceFacts:
    """What was measured on one machine by `farm.device.probe`.

    Attributes:
        platform: `linux-x86_64` or `linux-aarch64`.
        libc: Such as `glibc-2.36`.
        toolchain: Versions of what compiles plugins: `nvcc`, `cxx`, `cmake`, `tensorrt_headers`; absent means missing.
        host_tools: Versions of what prepares graphs (`onnx`, `onnxslim`, ...); empty on a pure device.
        power_mode: `nvpmodel` mode of a Jetson, such as `MAXN`.
    """

    hostname: str
    platform: str
    os: str
    libc: str
    python: str
    cpu: CpuFacts
    memory_bytes: int
    gpus: Tuple[GpuFacts, ...] = ()
    backends: Tuple[BackendFacts, ...] = ()
    driver: Optional[str] = None
    cuda_driver: Optional[str] = None
    cuda: Optional[str] = None
    l4t: Optional[str] = None
    jetpack: Optional[str] = None
    power_mode: Optional[str] = None
    toolchain: Dict[str, str] = field(default_factory=dict)
    host_tools: Dict[str, str] = field(default_factory=dict)
    container: Optional[str] = None
    farm_version: str = ""
