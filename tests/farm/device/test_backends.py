from __future__ import annotations

from pathlib import Path
from typing import Any, Dict, List, Tuple

import pytest

from farm.device.backends import import_version, probe_backends
from farm.device.machine import Machine
from farm.device.toolchain import find_headers, headers_version, probe_toolchain

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
    assert find_headers(machine) == "/opt/own/include"
    assert headers_version(machine) == "8.5.9.0"
    assert headers_version(machine_of(tmp_path, BARE)) == "8.5.1.0"


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
