from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Dict, Sequence, Tuple

import pytest

from farm.protocol.errors import BuildFailed, Unsupported
from farm.protocol.model import FileRef
from farm.protocol.plugins import PluginSource, PluginWork
from farm.protocol.work import BuildWork, ReuseEngine
from tests.support import models
from worker.device.builders.onnxruntime import OnnxRuntimeBuilder
from worker.device.builders.tensorrt.builder import TensorRtBuilder
from worker.device.libraries import load_libraries

from .works import workspace


class Loader(TensorRtBuilder):
    """Tells what it was to load, and what that is said to bring."""

    def __init__(self, *creators: str) -> None:
        self.creators = creators
        self.loaded: Dict[Path, Sequence[FileRef]] = {}

    def capabilities(self, version: str) -> Any:
        return super().capabilities("10.4.0")

    def load_plugins(self, folder: Path, libraries: Sequence[FileRef]) -> Dict[str, Tuple[str, ...]]:
        self.loaded[folder] = libraries
        return {item.name: self.creators for item in libraries}


@pytest.fixture
def work(tmp_path: Path) -> BuildWork:
    """Of a model with the plugin `own`, whose library is there."""
    made = workspace(tmp_path, models.conv_net(), None, plugins={"own": "4" * 64})
    (tmp_path / "input/plugins").mkdir()
    (tmp_path / "input/plugins/libfarm_own.so").write_bytes(b"library")
    return replace(made, plugins=(PluginWork("own", ("Own", "Other"), PluginSource(())),))


def test_libraries_are_loaded_from_where_the_worker_put_them(work: BuildWork, tmp_path: Path) -> None:
    loader = Loader("Other 1", "Own 1")
    load_libraries(work, tmp_path, loader)
    ((folder, (library,)),) = loader.loaded.items()
    assert (folder, library.name, library.size_bytes) == (tmp_path / "input", "plugins/libfarm_own.so", 7)


def test_a_library_without_an_operator_of_its_plugin_is_refused(work: BuildWork, tmp_path: Path) -> None:
    with pytest.raises(BuildFailed, match=r"plugin own brings Own 1, and its plugin\.toml says Other"):
        load_libraries(work, tmp_path, Loader("Own 1"))


def test_an_engine_that_exists_brings_its_own(work: BuildWork, tmp_path: Path) -> None:
    (tmp_path / "input/engine/plugins").mkdir(parents=True)
    (tmp_path / "input/engine/plugins/libold.so").write_bytes(b"old")
    files = (FileRef("engine.plan", 1, "0" * 64), FileRef("plugins/libold.so", 3, "1" * 64))
    loader = Loader("Own 1")
    load_libraries(replace(work, plugins=(), reuse=ReuseEngine("eng-1", files, (), ())), tmp_path, loader)
    ((folder, (library,)),) = loader.loaded.items()
    assert (folder, library.name) == (tmp_path / "input/engine", "plugins/libold.so")


def test_a_backend_without_plugins_says_so(work: BuildWork, tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match=r"onnxruntime [\d.]+ takes no plugins, and the model needs own"):
        load_libraries(work, tmp_path, OnnxRuntimeBuilder())
