"""The operating system as a build sees it: name, host name, memory under its limits, the container around it."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Iterator, Optional

from .machine import Machine

_CONTAINER_WORDS = (("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("lxc", "lxc"))


def operating_system(machine: Machine) -> str:
    """Such as `Ubuntu 20.04.6 LTS`."""
    release = machine.text("/etc/os-release") or machine.text("/usr/lib/os-release")
    found = re.search(r"^PRETTY_NAME=(.*)$", release, re.MULTILINE)
    return found.group(1).strip("\"'") if found else "unknown"


def hostname(machine: Machine) -> str:
    """The name the kernel goes by."""
    return machine.text("/proc/sys/kernel/hostname") or machine.text("/etc/hostname") or "unknown"


def memory_bytes(machine: Machine) -> int:
    """What this process may use at most: the machine's memory, or the tightest limit of a control group around it."""
    total = meminfo_bytes(machine, "MemTotal")
    return min([total, *_limits(machine)]) if total else min(_limits(machine), default=0)


def meminfo_bytes(machine: Machine, field: str) -> int:
    """A field of `/proc/meminfo`; 0 where it is missing."""
    found = re.search(rf"^{field}:\s+(\d+) kB", machine.text("/proc/meminfo"), re.MULTILINE)
    return int(found.group(1)) * 1024 if found else 0


def container(machine: Machine) -> Optional[str]:
    """`docker`, `podman`, `kubernetes`, `lxc`, ..., or None on the bare machine."""
    groups = machine.text("/proc/1/cgroup")
    for word, name in _CONTAINER_WORDS:
        if word in groups:
            return name
    if machine.path("/run/.containerenv").exists():
        return "podman"
    if machine.path("/.dockerenv").exists():
        return "docker"
    return machine.text("/run/systemd/container") or None


def _limits(machine: Machine) -> Iterator[int]:
    for line in machine.text("/proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers == "memory":
            yield from _limits_above(machine, "/sys/fs/cgroup/memory", group, "memory.limit_in_bytes")
        elif not controllers:
            for mount in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified"):
                yield from _limits_above(machine, mount, group, "memory.max")


def _limits_above(machine: Machine, mount: str, group: str, file: str) -> Iterator[int]:
    # A container may see its own group as the root of the mount, or below the host's path: try every ancestor.
    own = PurePosixPath("/", group)
    for folder in (own, *own.parents):
        text = machine.text(f"{mount}{folder}/{file}")
        if text.isdigit():
            yield int(text)
