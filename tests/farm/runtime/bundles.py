"""Engines of ONNX Runtime on disk, as `farm fetch` writes them, for a machine that a test describes."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import onnx
import onnxruntime

from farm.protocol.codec import dumps
from farm.protocol.engine import EngineManifest, TensorSpec
from farm.protocol.facts import BackendFacts, CpuFacts, DeviceFacts
from farm.protocol.keys import PreparationRecipe, RequestKey
from farm.protocol.model import FileRef
from farm.protocol.options import BuildOptions
from farm.protocol.requirement import requirement_from_target
from farm.protocol.target import targets_from_facts

from ...support import models

HERE = DeviceFacts(
    hostname="here",
    platform="linux-x86_64",
    os="Debian 12",
    libc="glibc-2.36",
    python="3.11",
    cpu=CpuFacts("some processor", 4, ("avx", "avx2")),
    memory_bytes=1 << 30,
    backends=(BackendFacts("onnxruntime", onnxruntime.__version__),),
)
IMAGES = {"images": np.random.default_rng(0).standard_normal((1, 3, 16, 16)).astype(np.float32)}


def bundle_in(folder: Any, model: Any = None, facts: Any = HERE, options: Any = None, extra: Any = ()) -> Any:
    """The folder, with an engine in it; `conv_net` where no model is given."""
    onnx.save(model or models.conv_net(), str(folder / "engine.onnx"))
    content = (folder / "engine.onnx").read_bytes()
    (target,) = targets_from_facts(facts)
    manifest = EngineManifest(
        model_name="net",
        model="0" * 64,
        key=RequestKey("0" * 64, PreparationRecipe(()), options or BuildOptions(), target),
        requirement=requirement_from_target(target),
        files=(FileRef("engine.onnx", len(content), hashlib.sha256(content).hexdigest()), *extra),
        inputs=(TensorSpec("images", "float32", (1, 3, 16, 16)),),
        outputs=(),
    )
    (folder / "manifest.json").write_text(dumps(manifest))
    return folder
