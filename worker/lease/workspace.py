"""The folder of one child, as the child protocol of docs/architecture.md lays it out, kept after a failure."""

from __future__ import annotations

import logging
import shutil
import threading
from pathlib import Path
from typing import Dict

from farm.protocol.codec import dumps
from farm.protocol.model import check_relative
from farm.protocol.timing import TIMING_CACHE_FILE, TimingCacheUse
from farm.protocol.work import BuildWork, Claim, PreparationWork
from worker.child.guard import CALIBRATION_FILE, INPUTS_FILE, OUTPUTS_FILE, SPEC_FILE

log = logging.getLogger(__name__)

_KEPT = 3


def inputs_of(claim: Claim) -> Dict[str, str]:
    """Name in `input/` to the digest of the blob that belongs there.

    Raises: Invalid: a name leaves the folder.
    """
    if claim.build is not None:
        found = _of_build(claim.build)
    elif claim.preparation is not None:
        found = _of_preparation(claim.preparation)
    else:
        found = {}
    for name in found:
        check_relative(name)
    return found


def _of_build(work: BuildWork) -> Dict[str, str]:
    prepared, found = work.prepared, {}
    if work.reuse:
        found.update({f"engine/{item.name}": item.sha256 for item in work.reuse.files})
    if not work.reuse or work.needs_float32:
        found.update({item.name: item.sha256 for item in prepared.files})
    if not work.reuse:
        if work.key.options.calibration:
            found[CALIBRATION_FILE] = work.key.options.calibration
        if work.timing_cache and work.timing_cache.use is TimingCacheUse.CERTIFIED and work.timing_cache.sha256:
            found[TIMING_CACHE_FILE] = work.timing_cache.sha256
    found.update(_named({INPUTS_FILE: prepared.reference_inputs, OUTPUTS_FILE: prepared.reference_outputs}))
    return found


def _of_preparation(work: PreparationWork) -> Dict[str, str]:
    policy = work.key.reference
    given = _named({INPUTS_FILE: policy.inputs, OUTPUTS_FILE: policy.outputs})
    return {**{item.name: item.sha256 for item in work.model.files}, **given}


def _named(blobs: Dict[str, str | None]) -> Dict[str, str]:
    return {name: sha256 for name, sha256 in blobs.items() if sha256 is not None}


def make_workspace(workspace: Path, claim: Claim) -> None:
    """Lay an empty workspace out, with its `spec.json`. Raises: OSError."""
    for name in ("input", "output"):
        (workspace / name).mkdir(parents=True)
    spec = claim.build if claim.build is not None else claim.preparation
    (workspace / SPEC_FILE).write_text(dumps(spec), encoding="utf-8")


def keep_failed(workspace: Path, folder: Path) -> None:
    """Move a workspace to where a person may repeat the failure; the oldest there goes.

    Raises: OSError: the disk is full, perhaps for the same reason as the work failed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(str(folder / workspace.name), ignore_errors=True)
    shutil.move(str(workspace), str(folder / workspace.name))
    by_age = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)
    for old in by_age[_KEPT:]:
        remove(old)


def remove_aside(folder: Path) -> None:
    """Remove a folder from a thread of its own: what it held takes longer to go than the next claim takes to come."""
    threading.Thread(target=remove, args=(folder,), name=f"remove-{folder.name}").start()


def remove(folder: Path) -> None:
    """Remove a folder with everything in it; what cannot be removed is told and left."""

    def tell(_: object, path: str, error: object) -> None:
        log.warning("cannot remove %s: %s", path, error)

    if folder.exists():
        shutil.rmtree(str(folder), onerror=tell)
