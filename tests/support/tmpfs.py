"""A small disk of its own, to be filled: mounted by root, or in a name space of its own by anybody."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

# Mounts as the root of a new name space, says so, and then changes the size to what each line tells. The source is
# named each time: else mount repeats the owner as it reads it, by a number that means nobody inside.
_KEEPER = """
mount -t tmpfs -o "size=$1,mode=0755" farm-test "$2" && echo mounted || exit 1
while read -r size; do mount -t tmpfs -o "remount,size=$size" farm-test "$2" && echo resized || exit 1; done
"""
_OPTIONS = ("unshare", "--user", "--map-root-user", "--mount", "--propagation", "private")


@dataclass
class SmallDisk:
    """A file system in memory of a few bytes.

    Attributes:
        path: Where the test sees it, and every process that follows links of `/proc`.
        inside: What stands before a command that is to see it at `place`; empty where everybody does.
        place: Where it is mounted.
    """

    path: Path
    place: Path
    inside: tuple[str, ...] = ()
    _keeper: subprocess.Popen[str] | None = None

    def resize(self, size_bytes: int) -> None:
        """Give it another size while it is in use."""
        if self._keeper is None:
            subprocess.run(["mount", "-o", f"remount,size={size_bytes}", str(self.place)], check=True)
        else:
            assert self._told(str(size_bytes)) == "resized"

    def _told(self, line: str) -> str:
        assert self._keeper is not None
        assert self._keeper.stdin is not None
        assert self._keeper.stdout is not None
        print(line, file=self._keeper.stdin, flush=True)
        return self._keeper.stdout.readline().strip()


@contextmanager
def tmpfs(folder: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """A file system of that size in memory, mounted at `folder` for the time of the block.

    Without root it is mounted in a name space of its own. Where the machine allows neither, the test is skipped and
    says so, except in CI, where it fails: there it must run.
    """
    folder.mkdir()
    if os.geteuid() == 0:
        mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0755", "farm-test", str(folder)]
        done = subprocess.run(mount, check=False, capture_output=True, text=True)
        if done.returncode:
            _without(done.stderr)
        try:
            yield SmallDisk(folder, folder)
        finally:
            # Lazily: a server that a failed test left behind must not keep the mount.
            subprocess.run(["umount", "--lazy", str(folder)], check=True)
        return
    with _kept(folder, size_bytes) as keeper:
        assert keeper.stdout is not None
        if keeper.stdout.readline().strip() != "mounted":
            _without(keeper.communicate()[1])
        seen = Path(f"/proc/{keeper.pid}/root{folder.resolve()}")
        inside = ("nsenter", "--user", "--mount", "--preserve-credentials", "--target", str(keeper.pid), "--")
        yield SmallDisk(seen, folder, inside, keeper)


@contextmanager
def _kept(folder: Path, size_bytes: int) -> Iterator[subprocess.Popen[str]]:
    """The process that keeps the name space; it ends with its input, and the disk with the last process inside."""
    command = [*_OPTIONS, "sh", "-c", _KEEPER, "keeper", str(size_bytes), str(folder)]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **streams) as keeper:  # type: ignore[call-overload]  # three pipes
        try:
            yield keeper
        finally:
            keeper.kill()


def _without(reason: str) -> None:
    told = f"no small disk, so a full disk is NOT tested: {' '.join(reason.split())}"
    if os.environ.get("CI") == "true":
        pytest.fail(told)
    pytest.skip(told)
