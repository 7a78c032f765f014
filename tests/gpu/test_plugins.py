"""Plugin libraries as TensorRT 8.5 takes them: they register themselves when they are loaded."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.protocol.errors import BuildFailed
from farm.runtime.tensorrt.plugins import load_plugins
from tests.support.plugin_libraries import plugin_library


def test_a_plugin_library_is_loaded_once_and_tells_its_creators(tmp_path: Path) -> None:
    import tensorrt as trt  # type: ignore[import-not-found]

    early = tuple(map(int, trt.__version__.split(".")[:2])) < (8, 6)
    library = plugin_library(tmp_path, registers=early)
    for _ in range(2):
        assert load_plugins(tmp_path, [library]) == {library.name: ("FarmTest 7",)}
    empty = plugin_library(tmp_path, "libempty.so", empty=True)
    with pytest.raises(BuildFailed, match=r"libempty\.so brings TensorRT .* no plugin creator"):
        load_plugins(tmp_path, [empty])
