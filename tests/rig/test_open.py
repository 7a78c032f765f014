"""Opening engines of TensorRT for RTX where there is no card: as far as the real package goes."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.filehash import file_ref
from farm.protocol.errors import BuildFailed, Unsupported
from farm.runtime.backends import opener
from farm.runtime.tensorrt.plugins import load_plugins
from tests.support import models
from tests.support.plugin_libraries import plugin_library
from worker.device.builders.table import load

from .orders import order

MODULE = "tensorrt_rtx"


@pytest.fixture(autouse=True)
def _rig_is_found(rig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(rig))


def test_an_engine_needs_a_driver(tmp_path: Path) -> None:
    made = order(tmp_path, models.conv_net())
    load(MODULE).build(made)
    # Debian's CUDA brings the library of the driver to machines that have no card.
    with pytest.raises((Unsupported, BuildFailed), match=r"no NVIDIA driver here|CUDA_ERROR_NO_DEVICE"):
        opener(MODULE)(made.output / "engine.plan", made.options)


def test_a_plugin_library_is_loaded_once_and_tells_its_creators(tmp_path: Path) -> None:
    library = plugin_library(tmp_path)
    for _ in range(2):
        assert load_plugins(tmp_path, [library], MODULE) == {library.name: ("FarmTest 7",)}
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    assert load_plugins(elsewhere, [library], MODULE) == {library.name: ("FarmTest 7",)}
    assert load_plugins(tmp_path, [], MODULE) == {}

    other = plugin_library(tmp_path, "libother.so")
    with pytest.raises(BuildFailed, match=r"libother\.so brings TensorRT for RTX .* no plugin creator that is not"):
        load_plugins(tmp_path, [other], MODULE)


def test_what_is_no_plugin_library_is_refused(tmp_path: Path) -> None:
    empty = plugin_library(tmp_path, "libempty.so", empty=True)
    with pytest.raises(BuildFailed, match=r"libempty\.so brings .* no plugin creator"):
        load_plugins(tmp_path, [empty], MODULE)
    text = file_ref(tmp_path / "libempty.so.c")
    with pytest.raises(BuildFailed, match=r"libempty\.so\.c cannot be loaded: .*(too short|invalid ELF)"):
        load_plugins(tmp_path, [text], MODULE)
