"""The bare build beside that of the farm: the same prepared graph, the same timing cache, no farm."""

from __future__ import annotations

import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from farm.protocol.views import SubmissionView
from tests.e2e.fleet import Fleet
from worker.device.builders.tensorrt.myelin import without_empty_myelin

from . import bare

_WITHIN_S = 400.0


@dataclass(frozen=True)
class Device:
    """The interpreter of a device, where it finds further packages, and the binding there."""

    python: str
    path: str
    module: str


def bare_build(farm: Fleet, submission: SubmissionView, device: Device, precision: str) -> dict[str, Any]:
    """Seconds of a process that only builds, from its start to its end, and of its parts.

    Args:
        farm: Has built that submission.
        submission: Its graph, as the device got it, is in the device's cache.
        device: Builds.
        precision: `fp32` or `fp16`.
    """
    plan, cache = farm.folder / "bare.plan", farm.folder / "bare.cache"
    cache.write_bytes(_timing_cache(farm))
    graph = _prepared(farm, submission)
    command = [device.python, bare.__file__, device.module, str(graph), str(plan), precision, str(cache)]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [device.path, os.environ.get("PYTHONPATH")]))}
    began_s = time.monotonic()
    told = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=_WITHIN_S)
    wall_s = time.monotonic() - began_s
    if told.returncode:
        raise SystemExit(told.stderr[-2000:])
    return {"wall_s": round(wall_s, 3), **json.loads(told.stdout.splitlines()[-1])}


def _prepared(farm: Fleet, submission: SubmissionView) -> Path:
    """The graph that the device built from: with its weights the largest of what it fetched."""
    ask = farm.client.ask(submission.id)
    submitted = {item.sha256 for item in ask.manifest.files}
    found = [item for item in (farm.folder / "card").rglob("*") if len(item.name) == 64 and item.name not in submitted]
    return max(found, key=lambda item: item.stat().st_size)


def _timing_cache(farm: Fleet) -> bytes:
    states = [item.sha256 for item in farm.client.timing_caches.list() if item.sha256]
    if not states:
        return b""
    path = farm.client.download_blob(states[0], farm.folder / "fleet.cache")
    return without_empty_myelin(path.read_bytes())
