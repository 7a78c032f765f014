"""A small disk of its own, to be filled."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def tmpfs(folder: Path, size_bytes: int) -> Iterator[Path]:
    """A file system of that size in memory, mounted at `folder` for the time of the block.

    Only root can mount. Elsewhere the test is skipped, except in CI, where it fails: there it must run.
    """
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes},mode=0755", "farm-test", str(folder)]
    done = subprocess.run(mount, check=False, capture_output=True, text=True)
    if done.returncode:
        told = f"no small disk, so a full disk is NOT tested: {done.stderr.strip()}"
        if os.environ.get("CI") == "true":
            pytest.fail(told)
        pytest.skip(told)
    try:
        yield folder
    finally:
        # Lazily: a server that a failed test left behind must not keep the mount.
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
