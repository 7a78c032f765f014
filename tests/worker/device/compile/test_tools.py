from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Dict, Optional, Sequence

import pytest

from farm.backends.tensorrt.capabilities import capabilities_of
from farm.device.machine import Machine
from farm.protocol.errors import Unsupported
from farm.protocol.plugins import PluginKey
from worker.device.compile.tools import find_tools

SAID = {
    "nvcc --version": "nvcc: NVIDIA (R) Cuda compiler driver\nCuda compilation tools, V11.4.315\nBuild cuda_11.4.r11.4",
    "nvcc --list-gpu-code": "sm_35\nsm_70\nsm_72\nsm_87\n",
    "c++ --version": "c++ (Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0\nCopyright",
    "cmake --version": "cmake version 3.31.6\n",
}
FILES = ("usr/local/cuda/bin/nvcc", "usr/bin/c++", "usr/bin/make", "usr/bin/cmake")
HEADERS = "usr/include/aarch64-linux-gnu/NvInferVersion.h"
JETSON = "etc/nv_tegra_release"
CAN = capabilities_of("8.5.2.2")


def key(cards: Sequence[str] = ("7.2",), nvcc: str = "11.4.315", cxx: str = "gcc-9.4.0") -> PluginKey:
    return PluginKey(
        "own", "1" * 64, "2" * 64, tuple(cards), "aarch64", "glibc-2.31", "tensorrt", "8.5", "11.4",
        {"nvcc": nvcc, "cxx": cxx},
    )  # fmt: skip


@pytest.fixture
def xavier(tmp_path: Path) -> Machine:
    """A Xavier on which all is there, CMake as a wheel."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch(mode=0o755)
    for name in (HEADERS, JETSON, "etc/debian_version"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
    lines = (f"#define NV_TENSORRT_{line}" for line in ("MAJOR 8", "MINOR 5", "PATCH 2", "BUILD 2"))
    (tmp_path / HEADERS).write_text("\n".join(lines))
    (tmp_path / JETSON).write_text("# R35 (release), REVISION: 4.1, GCID: 33958178, BOARD: t186ref, EABI: aarch64\n")
    (tmp_path / "etc/debian_version").write_text("bullseye/sid\n")
    said: Dict[str, str] = dict(SAID)

    def run(command: Sequence[str], timeout_s: float) -> Optional[str]:
        return said.get(" ".join([Path(command[0]).name, *command[1:]]))

    return Machine(root=tmp_path, run=run, architecture="aarch64", libc="glibc-2.31", cores=8)


def without(machine: Machine, name: str) -> Machine:
    (machine.root / name).unlink()
    return machine


def saying(machine: Machine, **said: str) -> Machine:
    """The machine, with other versions of tools."""

    def run(command: Sequence[str], timeout_s: float) -> Optional[str]:
        program = Path(command[0]).name.replace("+", "x")
        return said[program] if program in said else machine.run(command, timeout_s)

    return replace(machine, run=run)


def test_a_whole_toolchain_is_found_with_what_each_says_of_itself(xavier: Machine) -> None:
    tools = find_tools(xavier, key(), CAN)
    assert (tools.nvcc.path, tools.cxx, tools.cmake) == ("/usr/local/cuda/bin/nvcc", "/usr/bin/c++", "/usr/bin/cmake")
    assert (tools.generator, tools.headers.folder) == ("Unix Makefiles", "/usr/include/aarch64-linux-gnu")
    assert tools.compilers == {
        "nvcc": "Build cuda_11.4.r11.4",
        "cxx": "c++ (Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0",
        "cmake": "3.31.6",
        "tensorrt_headers": "8.5.2.2",
    }


@pytest.mark.parametrize(
    ("missing", "what", "mend"),
    [
        ("usr/bin/c++", r"a C\+\+ compiler", "apt install g++"),
        ("usr/local/cuda/bin/nvcc", "nvcc", "apt install nvidia-cuda"),
        ("usr/bin/cmake", r"CMake 3\.18", "pip install cmake"),
        ("usr/bin/make", "make", "apt install make"),
        (HEADERS, r"the headers of TensorRT 8\.5\.2\.2", "tensorrt-dev"),
    ],
)
def test_a_missing_tool_is_named_with_what_brings_it_on_a_jetson(
    xavier: Machine, missing: str, what: str, mend: str
) -> None:
    with pytest.raises(Unsupported, match=f"cannot be compiled here without {what}") as told:
        find_tools(without(xavier, missing), key(), CAN)
    assert mend in told.value.hint


def test_elsewhere_other_packages_bring_it(xavier: Machine) -> None:
    with pytest.raises(Unsupported) as told:
        find_tools(without(without(xavier, JETSON), HEADERS), key(), CAN)
    assert "apt install libnvinfer-dev (of 8.5.2.2)" in told.value.hint
    with pytest.raises(Unsupported) as told:
        find_tools(without(xavier, "etc/debian_version"), key(), CAN)
    assert "apt" not in told.value.hint


def test_the_cmake_of_jetpack_5_is_too_old(xavier: Machine) -> None:
    with pytest.raises(Unsupported, match=r"CMake 3\.18 or later, and this device has 3\.16\.3") as told:
        find_tools(saying(xavier, cmake="cmake version 3.16.3\n"), key(), CAN)
    assert "pip install cmake" in told.value.hint


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        (key(nvcc="11.8.89"), r"the nvcc is 11\.4\.315, and was 11\.8\.89 when this worker enrolled"),
        (key(cxx="gcc-10.2.1"), r"the C\+\+ compiler is gcc-9\.4\.0, and was gcc-10\.2\.1"),
        (key(cards=("7.2", "8.9")), r"nvcc 11\.4\.315 compiles nothing for compute capability 8\.9"),
    ],
)
def test_tools_that_are_not_those_of_the_key_are_refused(xavier: Machine, asked: PluginKey, told: str) -> None:
    with pytest.raises(Unsupported, match=told):
        find_tools(xavier, asked, CAN)


def test_headers_of_another_version_are_told(xavier: Machine) -> None:
    with pytest.raises(
        Unsupported, match=r"headers of TensorRT 10\.3\.0, and this device has those of 8\.5\.2\.2 in /usr"
    ):
        find_tools(xavier, key(), capabilities_of("10.3.0"))
