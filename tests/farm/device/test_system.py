from __future__ import annotations

from pathlib import Path
from typing import Dict, Optional

import pytest

from farm.device import system
from farm.device.machine import Machine

from .recorded_machine import machine_of

GIB = 1 << 30


def machine(root: Path, files: Dict[str, str]) -> Machine:
    for name, text in files.items():
        path = root / name.lstrip("/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return machine_of(root, {"architecture": "x86_64", "libc": "glibc-2.36", "python": "3.9.2", "cores": 2})


MEMINFO = {"/proc/meminfo": f"MemTotal: {16 * GIB // 1024} kB\n"}


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, 16 * GIB),
        ({"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/b/memory.max": "max\n"}, 16 * GIB),
        ({"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/memory.max": f"{4 * GIB}\n"}, 4 * GIB),
        ({"/proc/self/cgroup": "0::/host/path\n", "/sys/fs/cgroup/memory.max": f"{2 * GIB}\n"}, 2 * GIB),
        (
            {
                "/proc/self/cgroup": "5:memory:/docker/x\n1:cpu:/\n0::/\n",
                "/sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": f"{3 * GIB}\n",
                "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            },
            3 * GIB,
        ),
    ],
    ids=["no-group", "unlimited", "limit-of-parent", "group-seen-as-root", "version-1"],
)
def test_memory_is_the_tightest_limit(tmp_path: Path, files: Dict[str, str], expected: int) -> None:
    assert system.memory_bytes(machine(tmp_path, {**MEMINFO, **files})) == expected


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({}, None),
        ({"/.dockerenv": ""}, "docker"),
        ({"/run/.containerenv": ""}, "podman"),
        ({"/proc/1/cgroup": "0::/kubepods/pod1/x\n"}, "kubernetes"),
        ({"/proc/1/cgroup": "0::/\n", "/run/systemd/container": "systemd-nspawn\n"}, "systemd-nspawn"),
    ],
)
def test_the_container_is_named(tmp_path: Path, files: Dict[str, str], expected: Optional[str]) -> None:
    assert system.container(machine(tmp_path, files)) == expected


def test_the_system_is_named_without_its_quotes(tmp_path: Path) -> None:
    here = machine(tmp_path, {"/usr/lib/os-release": "ID=x\nPRETTY_NAME='Some Linux 1'\n"})
    assert system.operating_system(here) == "Some Linux 1"
