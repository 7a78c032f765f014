"""What a curious build does, as `sitecustomize` of every process of a farm: it looks for tokens before it works.

It stands where a plugin would: after the child has shut itself in, in the same process as the build. What it finds goes
to the log.
"""

from __future__ import annotations

import json
import os
import re
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

# Begins as what is passed on to builds.
FOLDER = "CUDA_CURIOUS_FOLDER"
_TOKEN = re.compile(rb"farm_[A-Za-z0-9_-]{20}")
_run = runpy.run_module


def _readable(folder: str) -> Iterator[str]:
    for place, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(place, name)
            try:
                content = Path(path).read_bytes()
            except OSError:
                continue
            if _TOKEN.search(content):
                yield path


def _environments() -> Iterator[str]:
    """Each process of this farm, which its command line tells, and whether its environment can be read."""
    for entry in os.listdir("/proc"):
        if not entry.isdigit() or os.getpgid(int(entry)) == os.getpgid(0):
            continue
        try:
            ours = os.environ[FOLDER].encode() in Path(f"/proc/{entry}/cmdline").read_bytes()
        except OSError:
            continue
        if ours:
            try:
                Path(f"/proc/{entry}/environ").read_bytes()
                yield "read"
            except OSError:
                yield "hidden"


def _looking(module: str, *arguments: Any, **options: Any) -> Any:
    if module.startswith("worker."):
        found = [path for path in _readable(os.environ[FOLDER]) if not path.startswith(os.getcwd())]
        told = json.dumps({"files": found, "environments": sorted(_environments())})
        sys.stdout.write(f"curious: {told}\n")
        sys.stdout.flush()
    return _run(module, *arguments, **options)


if FOLDER in os.environ:
    runpy.run_module = _looking  # type: ignore[assignment]  # it takes what that takes
