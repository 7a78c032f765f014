"""A real Docker engine for tests, private to the run: see `docker_keeper` for how it lives and ends.

It has no registry and no way to the outside: images come from `docker_images`. Its sockets and bind mounts are files of
this machine, its network is not: a port that a container publishes is reached through `Engine.inside`.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import docker.errors

import docker

from .locks import only_one
from .server import ServerFailed

_START_S = 90.0
_PROGRAMS = ("dockerd", "unshare", "ip", "iptables", "mmdebstrap")
_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Engine:
    """The engine of a run.

    Attributes:
        folder: Of its socket and its log; processes of one run share it.
    """

    folder: Path

    @property
    def url(self) -> str:
        """For `DOCKER_HOST`."""
        return f"unix://{self.folder}/docker.sock"

    @contextmanager
    def client(self) -> Iterator[docker.DockerClient]:
        """A client, closed at the end."""
        client = docker.DockerClient(base_url=self.url, timeout=120)
        try:
            yield client
        finally:
            client.close()

    @property
    def keeper(self) -> int:
        """The process that ends it."""
        return int((self.folder / "keeper").read_text())

    @property
    def inside(self) -> tuple[str, ...]:
        """What stands before a command that is to see the network of the engine, and the ports it publishes."""
        first = _child_of(self.keeper)
        return ("nsenter", "--net", "--target", str(_child_of(first)), "--")


@contextmanager
def engine(folder: Path) -> Iterator[Engine]:
    """The engine of all processes that name this folder, until the last of them leaves.

    Raises: ServerFailed: it cannot be started; the message holds the end of its log.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        found = Engine(folder)
        with only_one(folder / "starting"):
            if not _answers(found):
                _start(found)
        yield found


def _start(made: Engine) -> None:
    lacking = [name for name in _PROGRAMS if shutil.which(name) is None]
    if lacking or os.geteuid() != 0:
        wanted = f"the programs {', '.join(lacking)}" if lacking else "to be root"
        raise ServerFailed(f"a Docker engine needs {wanted}; .ci/run installs docker.io, iptables and mmdebstrap")
    with (made.folder / "keeper.log").open("wb") as log:
        command = [sys.executable, "-m", "tests.support.docker_keeper", str(made.folder)]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=_ROOT)
    until = time.monotonic() + _START_S
    while not _answers(made):
        if not Path(f"/proc/{made.keeper}").exists() or time.monotonic() > until:
            logs = [made.folder / name for name in ("dockerd.log", "keeper.log")]
            told = "".join(path.read_text(errors="replace")[-3000:] for path in logs if path.exists())
            raise ServerFailed(f"dockerd did not start:\n{told}")
        time.sleep(0.05)


def _answers(asked: Engine) -> bool:
    if not (asked.folder / "docker.sock").exists():
        return False
    try:
        with asked.client() as client:
            return bool(client.ping())
    except (docker.errors.DockerException, OSError):
        return False


def _child_of(pid: int) -> int:
    (child, *_) = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return int(child)
