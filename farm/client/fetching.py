"""The engine that fits a device, as a folder on disk."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Tuple

from farm.protocol.codec import digest, from_json
from farm.protocol.engine import EngineManifest
from farm.protocol.errors import FarmError
from farm.protocol.facts import DeviceFacts
from farm.protocol.model import check_relative
from farm.protocol.options import Precision
from farm.protocol.requirement import Tier
from farm.protocol.submit import Candidate, FetchAnswer, FetchAsk
from farm.runtime.bundle import check_bytes, read_manifest, write_manifest

from .download import download
from .files import written
from .folders import locked_beside, put_in_place
from .progress import Progress
from .replacing import check_nothing_lost, check_same_model
from .transport import Transport


@dataclass(frozen=True)
class Fetched:
    """An engine on disk.

    Attributes:
        folder: Holds `manifest.json`, the engine and `plugins/`.
        tier: How well it fits.
        cached: It was there already; nothing was downloaded.
        considered: Everything that was held against the device.
    """

    folder: Path
    engine: str
    manifest: EngineManifest
    tier: Tier
    cached: bool
    considered: Tuple[Candidate, ...] = ()


def ask_for(
    name: str,
    facts: Optional[DeviceFacts] = None,
    allow: Tier = Tier.SAME_MODEL,
    precision: Optional[Precision] = None,
    key: Optional[str] = None,
    model: Optional[str] = None,
) -> FetchAsk:
    """The question for an engine; measures this device where no facts are given, which takes seconds."""
    if facts is None:
        from farm.device.probe import probe

        facts = probe()
    return FetchAsk(name, facts, allow, precision, key, model)


def answer_to(transport: Transport, ask: FetchAsk) -> FetchAnswer:
    """The engine to take.

    Raises: NoEngine: nothing fits. Conflict: several variants do. In both `details["considered"]` lists every candidate
        with its refusals.
    """
    return transport.value(FetchAnswer, "POST", "/fetch", ask, repeatable=True)


def considered_in(error: FarmError) -> Tuple[Candidate, ...]:
    """The candidates that an error of `answer_to` lists."""
    return tuple(from_json(Candidate, item) for item in error.details.get("considered") or ())


def take(
    transport: Transport,
    answer: FetchAnswer,
    folder: Path,
    progress: Optional[Progress] = None,
    force: bool = False,
) -> Fetched:
    """Bring an engine to a folder, which shows it whole or not at all; `force` replaces that of another model, too.

    Raises: Conflict: the folder holds what must not be replaced. BlobCorrupt, StorageFull, CoordinatorError.
    """
    # The place, not a link to it, is what gets replaced.
    folder = folder.resolve()
    check_same_model(folder, answer.manifest, force)
    cached = _holds(folder, answer.manifest)
    if cached:
        with written(folder):
            write_manifest(folder, answer.manifest)
    else:
        check_nothing_lost(folder)
        with written(folder), locked_beside(folder) as workspace:
            filled = _own_place(workspace, answer.manifest)
            _fill(transport, answer.manifest, filled, progress)
            put_in_place(filled, folder)
    return Fetched(folder, answer.engine, answer.manifest, answer.tier, cached, answer.considered)


def _holds(folder: Path, manifest: EngineManifest) -> bool:
    """The folder holds exactly this engine, undamaged."""
    try:
        there = read_manifest(folder)
        if (there.files, there.key) != (manifest.files, manifest.key):
            return False
        for item in manifest.files:
            check_bytes(folder, item)
    except FarmError:
        # Nothing there, or damaged: bring it.
        return False
    return True


def _own_place(workspace: Path, manifest: EngineManifest) -> Path:
    """Where this engine is gathered; what was left of others is removed."""
    place = workspace / digest(list(manifest.files))
    for other in workspace.iterdir():
        if other != place:
            shutil.rmtree(str(other))
    place.mkdir(exist_ok=True)
    return place


def _fill(transport: Transport, manifest: EngineManifest, place: Path, progress: Optional[Progress]) -> None:
    for item in manifest.files:
        path = place / check_relative(item.name)
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            check_bytes(place, item)
        except FarmError:
            # Not there yet, or only in part.
            download(transport, item.sha256, path, item.size_bytes, progress)
    (place / "plugins").mkdir(exist_ok=True)
    write_manifest(place, manifest)
