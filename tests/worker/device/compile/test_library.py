from __future__ import annotations

import os
import struct
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Sequence, Tuple

import pytest

from farm.backends.tensorrt.capabilities import capabilities_of
from farm.protocol.errors import BuildFailed
from tests.plugins.toolchains import old_nvcc
from worker.device.compile.fatbin import DeviceCode, device_code
from worker.device.compile.library import Inspected, check_library, inspect

GOOD = Inspected(DeviceCode(("7.2", "8.7"), ("8.7",)), ("getCreators", "setLoggerFinder"), ("libc.so.6",))
SINCE_TEN = capabilities_of("10.4.0.26")
AHEAD = capabilities_of("1.7.1.116", rtx=True)


def container(*entries: Tuple[int, int]) -> bytes:
    """As nvcc writes one: kind (1 is PTX, 2 machine code) and architecture of each entry."""
    made = b"".join(struct.pack("<HHIQ12xI32x", kind, 0x101, 64, 24, arch) + b"\x7fELF" * 6 for kind, arch in entries)
    return struct.pack("<IHHQ", 0xBA55ED50, 1, 16, len(made)) + made


def compiled(folder: Path, source: str, *flags: str) -> Path:
    """A shared library of C."""
    (folder / "made.c").write_text(source)
    words = [os.environ.get("CC", "cc"), "-shared", "-fPIC", "-o", "libmade.so", "made.c", *flags]
    subprocess.run(words, cwd=folder, check=True)
    return folder / "libmade.so"


def test_entries_of_several_containers_are_told_apart() -> None:
    section = container((2, 75), (2, 120), (1, 120)) + bytes(8) + container((2, 89))
    assert device_code(section) == DeviceCode(("7.5", "8.9", "12.0"), ("12.0",))
    assert device_code(b"") == DeviceCode((), ())


@pytest.mark.parametrize("cut", [1, 15, 17, 60, 100])
def test_a_section_that_is_cut_or_odd_is_read_as_far_as_it_goes(cut: int) -> None:
    assert device_code(container((2, 75), (2, 80))[:cut]).machine in ((), ("7.5",))
    assert device_code(b"\xff" * cut) == DeviceCode((), ())


def test_exports_and_needs_of_a_real_library_are_found(tmp_path: Path) -> None:
    source = '#include <math.h>\n#include <stdio.h>\nint getCreators; void setLoggerFinder(void) { puts(""); }\n'
    found = inspect(compiled(tmp_path, source + "double other(double x) { return cos(x); }", "-lm"))
    assert found.exported == ("other", "setLoggerFinder")
    assert "puts" in found.undefined
    assert {name.partition(".")[0] for name in found.needed} >= {"libc", "libm"}
    assert found.code == DeviceCode((), ())


def test_device_code_is_found_in_its_section(tmp_path: Path) -> None:
    (tmp_path / "code").write_bytes(container((2, 87)))
    source = '__asm__(".section .nv_fatbin, \\"a\\"\\n.align 8\\n.incbin \\"code\\"\\n.text");'
    assert inspect(compiled(tmp_path, source)).code == DeviceCode(("8.7",), ())


def test_what_nvcc_puts_into_a_library_is_what_cuobjdump_finds(tmp_path: Path) -> None:
    nvcc = old_nvcc()
    if nvcc is None or not Path("/usr/bin/cuobjdump").exists():
        pytest.skip("no nvcc 11.8 with its cuobjdump is here")
    (tmp_path / "made.cu").write_text("__global__ void kernel(float* x) { *x = 1; }\n")
    cards = ("-gencode=arch=compute_72,code=sm_72", "-gencode=arch=compute_87,code=[sm_87,compute_87]")
    words = [str(nvcc.path), "-shared", "-Xcompiler=-fPIC", "-cudart=static", *cards, "-o", "libmade.so", "made.cu"]
    subprocess.run(words, cwd=tmp_path, env=nvcc.environ, check=True)
    assert inspect(tmp_path / "libmade.so").code == DeviceCode(("7.2", "8.7"), ("8.7",))
    told = subprocess.run(
        ["/usr/bin/cuobjdump", "-lelf", "-lptx", "libmade.so"], cwd=tmp_path, env=nvcc.environ, capture_output=True
    ).stdout.decode()
    assert {line.rpartition(".")[0].rpartition(".")[2] for line in told.splitlines()} == {"sm_72", "sm_87"}


def test_what_is_no_library_is_told(tmp_path: Path) -> None:
    (tmp_path / "libmade.so").write_text("text")
    with pytest.raises(BuildFailed, match=r"libmade\.so is no library"):
        inspect(tmp_path / "libmade.so")


@pytest.mark.parametrize(
    ("found", "cards", "version", "told"),
    [
        (GOOD, ("8.6",), "10.4.0", r"no code for compute capability 8\.6: it has code for 7\.2, 8\.7"),
        (replace(GOOD, code=DeviceCode((), ())), ("7.2",), "10.4.0", "it has code for no card"),
        (replace(GOOD, exported=("setLoggerFinder",)), ("7.2",), "10.4.0", "does not export getCreators"),
        (GOOD, ("7.2",), "8.6.1", "does not export getPluginCreators"),
        (GOOD, ("7.2",), "8.5.2", "nothing in it calls getPluginRegistry"),
        (replace(GOOD, needed=("libcudnn.so.8",)), ("7.2",), "10.4.0", r"needs libcudnn\.so\.8"),
        (replace(GOOD, needed=("libnvinfer.so.8",)), ("7.2",), "10.4.0", r"needs libnvinfer\.so\.8"),
    ],
)
def test_a_library_that_would_not_serve_is_refused(
    found: Inspected, cards: Sequence[str], version: str, told: str
) -> None:
    with pytest.raises(BuildFailed, match=f"libown.so was compiled, but it .*{told}"):
        check_library(found, "libown.so", tuple(cards), capabilities_of(version))


def test_a_library_that_serves_passes() -> None:
    check_library(GOOD, "libown.so", ("7.2",), SINCE_TEN)
    check_library(GOOD, "libown.so", ("7.2", "8.7"), AHEAD)
    registers = replace(GOOD, exported=(), undefined=("getPluginRegistry",), needed=("libnvinfer.so.8", "libc.so.6"))
    check_library(registers, "libown.so", ("7.2",), capabilities_of("8.5.2"))
