"""What facts are read from: files below a root, commands, installed packages. A test puts a recorded machine here."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, Dict, Optional, Sequence, Tuple

Runner = Callable[[Sequence[str], float], Optional[str]]

_ARCHITECTURES = {"amd64": "x86_64", "arm64": "aarch64"}


def run_command(command: Sequence[str], timeout_s: float) -> Optional[str]:
    """Standard output of a command; None where it does not exist, fails or takes too long."""
    try:
        done = subprocess.run(
            list(command), stdin=subprocess.DEVNULL, capture_output=True, timeout=timeout_s, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None


def package_version(name: str) -> Optional[str]:
    """Version of an installed distribution, without importing it."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def has_module(name: str) -> bool:
    """Whether a top-level module could be imported, without importing it."""
    return importlib.util.find_spec(name) is not None


def providers(group: str) -> Dict[str, str]:
    """Installed distributions that offer something in an entry-point group, with their versions."""
    found = {}
    for distribution in importlib.metadata.distributions():
        if any(item.group == group for item in distribution.entry_points):
            found[distribution.metadata["Name"]] = distribution.version
    return found


def _architecture() -> str:
    machine = platform.machine().lower()
    return _ARCHITECTURES.get(machine, machine)


def _libc() -> str:
    name, version = platform.libc_ver()
    return f"{name}-{version}" if name else "unknown"


def _cores() -> int:
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@dataclass(frozen=True)
class Machine:
    """This machine, or a recorded one.

    Attributes:
        root: Folder that stands for `/`.
        run: Runs a command.
        architecture: `x86_64` or `aarch64`.
        cores: Logical processors this process may use.
        package: Version of an installed distribution.
        providers: Distributions with entry points of a group, with their versions.
        module: Whether a module can be imported by `interpreter`.
        interpreter: The Python that imports heavy libraries in a process of its own.
        search: Folders looked into before the usual ones for tools (`bin`) and headers (`include`).
    """

    root: Path = Path("/")
    run: Runner = run_command
    architecture: str = field(default_factory=_architecture)
    libc: str = field(default_factory=_libc)
    python: str = field(default_factory=platform.python_version)
    cores: int = field(default_factory=_cores)
    package: Callable[[str], Optional[str]] = package_version
    providers: Callable[[str], Dict[str, str]] = providers
    module: Callable[[str], bool] = has_module
    interpreter: str = sys.executable
    search: Tuple[str, ...] = ()

    @property
    def platform(self) -> str:
        """Such as `linux-x86_64`."""
        return f"linux-{self.architecture}"

    def path(self, name: str) -> Path:
        """The place of an absolute path below the root."""
        return self.root / name.lstrip("/")

    def text(self, name: str) -> str:
        """Content of a file, empty where it cannot be read. The device tree ends its strings with NUL: removed."""
        return self.data(name).decode("utf-8", "replace").replace("\x00", "").strip()

    def data(self, name: str) -> bytes:
        """Bytes of a file, empty where it cannot be read."""
        try:
            return self.path(name).read_bytes()
        except OSError:
            return b""

    def glob(self, pattern: str) -> Tuple[str, ...]:
        """Absolute names, as this machine says them, of what matches below the root; sorted."""
        found = self.root.glob(pattern.lstrip("/"))
        return tuple(sorted("/" + str(path.relative_to(self.root)) for path in found))

    def output(self, *command: str, timeout_s: float = 10.0) -> str:
        """Standard output of a command, stripped; empty where it is missing or fails."""
        return (self.run(command, timeout_s) or "").strip()

    def which(self, program: str, *folders: str) -> Optional[str]:
        """Where a program is: in the folders named, then in the search folders, then on the PATH of this machine."""
        for folder in (*(f"{base}/bin" for base in self.search), *folders):
            if os.access(self.path(f"{folder}/{program}"), os.X_OK):
                return f"{folder}/{program}"
        return shutil.which(program) if self.root == Path("/") else None
