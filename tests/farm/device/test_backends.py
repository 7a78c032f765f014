from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, List, Sequence, Tuple

import pytest

from farm.device.backends import import_version, probe_backends
from farm.device.headers import all_headers, headers_like, headers_version
from farm.device.machine import Machine
from farm.device.toolchain import Tool, all_nvcc, find_cmake, probe_toolchain
from farm.folders import named_folders

from .recorded_machine import machine_of, recorded

BARE: Dict[str, Any] = {"architecture": "x86_64", "libc": "glibc-2.36", "python": "3.11.2", "cores": 2}


def trtexec(root: Path, banner: str, **more: Any) -> Machine:
    program = root / "usr/src/tensorrt/bin/trtexec"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    commands = {"trtexec --help": f"&&&& RUNNING TensorRT.trtexec {banner} # trtexec --help\n", **more}
    return machine_of(root, {**BARE, "commands": commands})


def versions(machine: Machine) -> List[Tuple[str, str]]:
    return [(backend.name, backend.version) for backend in probe_backends(machine)]


@pytest.mark.parametrize(
    ("banner", "version"),
    [
        ("[TensorRT v8502]", "8.5.2"),
        ("[TensorRT v8601]", "8.6.1"),
        ("[TensorRT v100400] [b26]", "10.4.0"),
        ("[TensorRT v101602] [b10]", "10.16.2"),
        ("[TensorRT v110100] [b106]", "11.1.0"),
    ],
)
def test_trtexec_tells_its_version_in_its_banner(tmp_path: Path, banner: str, version: str) -> None:
    assert versions(trtexec(tmp_path, banner)) == [("trtexec", version)]


def test_trtexec_has_the_full_version_of_the_binding_beside_it(tmp_path: Path) -> None:
    machine = trtexec(tmp_path, "[TensorRT v8502]", **{"import tensorrt": "8.5.2.2\n"})
    assert versions(machine) == [("tensorrt", "8.5.2.2"), ("trtexec", "8.5.2.2")]


def test_a_binding_that_does_not_import_is_no_backend(tmp_path: Path) -> None:
    installed = {**BARE, "packages": {"tensorrt": "10.4.0"}}
    assert versions(machine_of(tmp_path, installed)) == []


def test_the_wheel_names_its_cuda_generation() -> None:
    (backend,) = probe_backends(recorded("v100"))
    assert backend.detail == {"cuda": "12"}


def test_imports_happen_in_another_process() -> None:
    assert import_version(Machine(), "ctypes") is not None
    assert import_version(Machine(), "no_such_module_here") is None
    # `this` imports, prints, and has no version.
    assert import_version(Machine(), "this") is None


@pytest.mark.parametrize(("name", "version"), [("xavier", "8.5.2.2"), ("rtx4090", "11.1.0.106")])
def test_headers_of_every_generation_tell_their_version(name: str, version: str) -> None:
    assert headers_version(recorded(name)) == version


def test_search_folders_come_first(tmp_path: Path) -> None:
    for folder, patch in (("opt/own/include", 9), ("usr/include", 1)):
        (tmp_path / folder).mkdir(parents=True)
        lines = ("MAJOR 8", "MINOR 5", f"PATCH {patch}", "BUILD 0")
        header = "".join(f"#define NV_TENSORRT_{line} //!< a part\n" for line in lines)
        (tmp_path / folder / "NvInferVersion.h").write_text(header)
    machine = machine_of(tmp_path, {**BARE, "search": ["/opt/own"]})
    assert [item.folder for item in all_headers(machine)] == ["/opt/own/include", "/usr/include"]
    assert headers_version(machine) == "8.5.9.0"
    assert headers_version(machine_of(tmp_path, BARE)) == "8.5.1.0"


def test_headers_of_several_versions_are_found_and_the_one_that_runs_is_taken(tmp_path: Path) -> None:
    for version in ("8.5.3.0", "10.4.0.26"):
        folder = tmp_path / f"opt/tensorrt/{version}/include"
        folder.mkdir(parents=True)
        parts = zip(("MAJOR", "MINOR", "PATCH", "BUILD"), version.split("."))
        header = "".join(f"#define NV_TENSORRT_{name} {number}\n" for name, number in parts)
        (folder / "NvInferVersion.h").write_text(header)
    machine = machine_of(tmp_path, BARE)
    assert [item.version for item in all_headers(machine)] == ["10.4.0.26", "8.5.3.0"]
    found = headers_like(machine, "8.5.3")
    assert found is not None
    assert found.folder == "/opt/tensorrt/8.5.3.0/include"


def test_a_wheel_brings_a_cmake_that_is_new_enough(tmp_path: Path) -> None:
    for name in ("usr/bin/cmake", "opt/venv/bin/cmake"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch(mode=0o755)
    said = {"/usr/bin/cmake": "cmake version 3.16.3\n", "/opt/venv/bin/cmake": "cmake version 3.31.6\n"}
    old = replace(machine_of(tmp_path, BARE), run=lambda command, timeout_s: said.get(command[0]))
    assert find_cmake(old) == Tool("/usr/bin/cmake", "3.16.3")
    assert find_cmake(replace(old, interpreter="/opt/venv/bin/python3")) == Tool("/opt/venv/bin/cmake", "3.31.6")


def test_every_cuda_compiler_is_found_once_the_toolkit_of_the_machine_first(tmp_path: Path) -> None:
    said = {"12.9/bin": "V12.9.86", "13.0/bin": "V13.0.88"}
    for name in ("cuda", "cuda-13.0", "cuda-12.9"):
        (tmp_path / "usr/local" / name / "bin").mkdir(parents=True)
        (tmp_path / "usr/local" / name / "bin/nvcc").touch(mode=0o755)

    def run(command: Sequence[str], timeout_s: float) -> str:
        return next((line for place, line in said.items() if place in command[0]), "V13.0.88")

    machine = replace(machine_of(tmp_path, BARE), run=run)
    assert probe_toolchain(machine, ["7.5"])["nvcc"] == "13.0.88"
    assert probe_toolchain(machine, ["7.5", "7.0"])["nvcc"] == "12.9.86"
    assert list(all_nvcc(machine)) == [
        Tool("/usr/local/cuda/bin/nvcc", "13.0.88"),
        Tool("/usr/local/cuda-12.9/bin/nvcc", "12.9.86"),
    ]


def test_folders_that_the_owner_names_are_searched() -> None:
    environ = {"FARM_TOOLCHAIN": "/a:/b/", "CUDA_HOME": "/cuda", "TENSORRT_ROOT": "", "PATH": "/usr/bin"}
    assert named_folders(environ) == ("/a", "/b", "/cuda")


def test_the_toolchain_of_this_machine_is_what_its_compiler_says() -> None:
    machine = Machine()
    found = probe_toolchain(machine)
    if "cxx" in found:
        family, _, version = found["cxx"].partition("-")
        assert family in ("gcc", "clang")
        assert version in machine.output("c++", "--version") or version in machine.output("clang++", "--version")


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("c++ (Ubuntu 9.4.0-1ubuntu1~20.04.2) 9.4.0", "gcc-9.4.0"),
        ("g++ (Debian 12.2.0-14+deb12u1) 12.2.0", "gcc-12.2.0"),
        ("c++ (GCC) 11.4.1 20231218 (Red Hat 11.4.1-3)", "gcc-11.4.1"),
        ("Debian clang version 14.0.6", "clang-14.0.6"),
    ],
)
def test_compilers_are_told_apart(tmp_path: Path, first: str, expected: str) -> None:
    program = tmp_path / "usr/bin/c++"
    program.parent.mkdir(parents=True)
    program.touch(mode=0o755)
    machine = machine_of(tmp_path, {**BARE, "commands": {"c++ --version": first + "\nCopyright\n"}})
    assert probe_toolchain(machine)["cxx"] == expected
