"""Everything measured on this machine, as one value."""

from __future__ import annotations

from typing import Optional

import farm
from farm.protocol.facts import DeviceFacts

from . import nvml
from .backends import probe_backends
from .cpu import probe_cpu
from .cuda import cuda_runtime, driver_version, probe_cuda
from .hosttools import probe_host_tools
from .jetson import probe_jetson
from .machine import Machine
from .system import container, hostname, memory_bytes, operating_system
from .toolchain import probe_toolchain


def probe(machine: Optional[Machine] = None) -> DeviceFacts:
    """The facts of a machine, this one by default. What cannot be found out is absent; nothing is guessed.

    Takes seconds where heavy runtimes are installed: each is imported once, in a process of its own.
    """
    here = machine or Machine()
    cuda = probe_cuda(here)
    jetson = probe_jetson(here)
    return DeviceFacts(
        hostname=hostname(here),
        platform=here.platform,
        os=operating_system(here),
        libc=here.libc,
        python=here.python,
        cpu=probe_cpu(here),
        memory_bytes=memory_bytes(here),
        gpus=cuda.gpus,
        backends=probe_backends(here),
        driver=nvml.driver_version(here) or driver_version(here),
        cuda_driver=cuda.version,
        cuda=cuda_runtime(here),
        l4t=jetson.l4t if jetson else None,
        jetpack=jetson.jetpack if jetson else None,
        power_mode=jetson.power_mode if jetson else None,
        toolchain=probe_toolchain(here, [gpu.compute_capability for gpu in cuda.gpus]),
        host_tools=probe_host_tools(here),
        container=container(here),
        farm_version=farm.__version__,
    )
