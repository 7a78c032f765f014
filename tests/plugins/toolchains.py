"""What plugins can be compiled with on this machine: TensorRT's headers, and two generations of nvcc.

`FARM_TEST_TENSORRT` names a folder of `<version>/include`; without it the headers are looked for where a device looks.
nvcc 13 comes from wheels where the machine has none. nvcc 11.8, the last that knows Volta, is in no wheel: Debian
has it as `nvidia-cuda-toolkit`, in its component non-free.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from farm.device.headers import Headers, all_headers
from farm.device.machine import Machine
from farm.device.toolchain import all_nvcc
from tests.support.packages import installed

# One of each generation that a plugin must compile against; the API changes between them.
GENERATIONS = ("8.5", "8.6", "10.0", "10.4", "10.16", "11.1")

_WHEELS = "nvidia-cuda-nvcc==13.0.88"
_BESIDE = ("nvidia-nvvm==13.0.88", "nvidia-cuda-crt==13.0.88", "nvidia-cuda-runtime==13.0.96")


@dataclass(frozen=True)
class Nvcc:
    """One CUDA compiler.

    Attributes:
        path: Its own file, which has its `ptxas` beside it.
        cards: Compute capabilities, as nvcc spells them, that are compiled for with it.
        fast_code: The code is executed; else it only has to be there, which takes half the time.
    """

    path: Path
    version: str
    cards: tuple[str, ...]
    fast_code: bool = False

    @property
    def name(self) -> str:
        """Such as `13.0`."""
        return ".".join(self.version.split(".")[:2])

    @property
    def environ(self) -> dict[str, str]:
        """With its own `ptxas` in front of that of another CUDA, which nvcc would take."""
        return {**os.environ, "PATH": f"{self.path.parent}{os.pathsep}/usr/bin{os.pathsep}/bin"}

    @property
    def include(self) -> Path:
        """CUDA's headers."""
        toolkit = self.path.resolve().parent.parent
        return next(folder for folder in (toolkit / "include", Path("/usr/include")) if _holds_cuda(folder))


OLD_CARDS = ("70", "72", "87")
NEW_CARDS = ("75", "80", "86", "87", "89", "90", "100", "110", "120")


@cache
def headers() -> dict[str, Headers]:
    """TensorRT's headers by generation, those that are here."""
    folder = os.environ.get("FARM_TEST_TENSORRT")
    own = tuple(str(path) for path in sorted(Path(folder).iterdir())) if folder else ()
    found = {".".join(item.version.split(".")[:2]): item for item in all_headers(Machine(search=own)) if not item.rtx}
    return {generation: found[generation] for generation in GENERATIONS if generation in found}


@cache
def old_nvcc() -> Nvcc | None:
    """nvcc 11.8, where it is installed."""
    found = _installed("11.8.")
    return Nvcc(*found, OLD_CARDS) if found else None


def new_nvcc(environ: Mapping[str, str]) -> Nvcc:
    """nvcc 13, the machine's own or from wheels, which are fetched on first use: 250 MB.

    Raises: subprocess.CalledProcessError: a wheel could not be fetched.
    """
    found = _installed("13.")
    if found is None:
        folder = installed(environ, _WHEELS, beside=_BESIDE)
        found = (folder / "nvidia/cu13/bin/nvcc", _WHEELS.partition("==")[2])
    return Nvcc(*found, NEW_CARDS)


def _installed(version: str) -> tuple[Path, str] | None:
    tools = [(Path(tool.path), tool.version) for tool in all_nvcc(Machine())]
    return next((tool for tool in tools if tool[1].startswith(version)), None)


def _holds_cuda(folder: Path) -> bool:
    return (folder / "cuda_runtime_api.h").exists()
