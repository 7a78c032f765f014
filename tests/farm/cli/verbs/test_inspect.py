"""`inspect` of engines and models."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from farm.protocol.engine import EngineManifest
from farm.protocol.model import FileRef
from farm.runtime.bundle import write_manifest
from farm.runtime.layerfile import packed

from ....support import models
from ...double import Double
from ...samples import engine_detail
from ..conftest import Farm
from ..engines import real_engine


def test_inspect_reads_engines_and_models(farm: Farm, folder: Path, tmp_path: Path) -> None:
    told = farm("inspect", folder)
    assert "inputs     images float32 1x3x16x16" in told.out
    assert json.loads(farm("inspect", folder, "--json").out)["model_name"] == "net"
    path = tmp_path / "net.onnx"
    path.write_bytes(models.conv_net().SerializeToString())
    told = farm("inspect", path)
    assert "Conv" in told.out
    assert "images: float32" in told.out
    assert json.loads(farm("inspect", path, "--json").out)["summary"]["operators"]["Conv"] >= 1
    path.write_text("no model")
    assert farm("inspect", path).code == 2


LAYERS = tuple(
    {"name": f"conv{number}", "operator": "Convolution", "types": "fp16", "tactic": "t", "details": {"Kernel": [3, 3]}}
    for number in range(30)
)
TIMED = tuple({"name": f"conv{number}", "mean_ms": number / 10, "share": number / 435} for number in range(30))


def with_layers(content: bytes, **changes: Any) -> EngineManifest:
    """A manifest that names a file of layers with this content."""
    _, made = real_engine()
    layers = FileRef("layers.json", len(content), hashlib.sha256(content).hexdigest())
    return replace(made, files=(*made.files, layers), **changes)


def test_inspect_shows_the_slowest_layers_of_a_fetched_engine(farm: Farm, folder: Path) -> None:
    content = packed("TensorRT 8.5.3.1 of the engine", LAYERS, TIMED)
    (folder / "layers.json").write_bytes(content)
    write_manifest(folder, with_layers(content, benchmark=None))
    lines = farm("inspect", folder).out.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("SLOWEST LAYERS"))
    assert lines[first + 1].split() == ["conv29", "Convolution", "fp16", "2.90", "ms", "7", "%"]
    assert len(lines) == first + 12
    assert lines[-1] == "of 30 layers; from TensorRT 8.5.3.1 of the engine"
    told = json.loads(farm("inspect", folder, "--layers", "2", "--json").out)
    assert [layer["name"] for layer in told["layers"]] == ["conv29", "conv28"]
    assert told["layers"][0]["tactic"] == "t"
    assert told["layers_from"].startswith("TensorRT")
    (folder / "layers.json").write_bytes(b"[")
    assert "layers.json cannot be read" in farm("inspect", folder).err


def test_inspect_shows_the_layers_of_a_stored_engine(farm: Farm, double: Double) -> None:
    content = packed("the parsed network", LAYERS)
    made = with_layers(content)
    double.store(content)
    double.engines = {"eng-1": engine_detail(files=made.files)}
    told = json.loads(farm("inspect", "eng-1", "--json").out)
    assert [(layer["name"], layer["mean_ms"]) for layer in told["layers"]] == [("conv1", 0.6)], "a later measurement"
    assert told["layers_from"] == ""
    double.engines = {"eng-1": engine_detail(files=made.files, benchmark=None)}
    told = json.loads(farm("inspect", "eng-1", "--json").out)
    assert [layer["name"] for layer in told["layers"]] == [f"conv{number}" for number in range(10)]
    assert told["layers"][0]["mean_ms"] is None
    assert told["layers_from"] == "the parsed network"
    assert farm("inspect", "eng-unknown").err == "error: there is no eng-unknown\n"
