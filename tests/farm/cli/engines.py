"""A real engine for this machine's processor, stored in the double or fetched to a folder."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any, Tuple

import onnx

from farm.device.probe import probe
from farm.protocol.engine import EngineManifest, TensorSpec
from farm.protocol.facts import DeviceFacts
from farm.protocol.model import FileRef
from farm.protocol.requirement import requirement_from_target
from farm.protocol.target import targets_from_facts
from farm.runtime.bundle import write_manifest

from ...support import models
from ..double import Double
from ..samples import engine_detail, key, manifest


@lru_cache(maxsize=None)
def here() -> DeviceFacts:
    """The facts of this machine, measured once."""
    return probe()


def real_engine(**changes: Any) -> Tuple[bytes, EngineManifest]:
    """A small network as an engine of ONNX Runtime, for exactly this processor."""
    content = models.conv_net().SerializeToString()
    target = next(item for item in targets_from_facts(here()) if item.backend == "onnxruntime")
    told = {
        "files": (FileRef("model.onnx", len(content), hashlib.sha256(content).hexdigest()),),
        "key": key(target=target),
        "requirement": requirement_from_target(target),
        "inputs": (TensorSpec("images", "float32", (1, 3, 16, 16)),),
        "outputs": tuple(TensorSpec(item.name, "float32", ()) for item in onnx.load_from_string(content).graph.output),
    }
    return content, manifest(**{**told, **changes})


def store(double: Double, **changes: Any) -> EngineManifest:
    """The double's only engine is the real one."""
    content, made = real_engine(**changes)
    double.store(content)
    fields = {name: getattr(made, name) for name in ("files", "key", "requirement", "inputs", "outputs")}
    double.engines = {"eng-1": engine_detail(**fields)}
    return made


def bundle(folder: Path, **changes: Any) -> Path:
    """The real engine, as `farm fetch` leaves it."""
    content, made = real_engine(**changes)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.onnx").write_bytes(content)
    write_manifest(folder, made)
    return folder
