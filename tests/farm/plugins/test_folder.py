from __future__ import annotations

from pathlib import Path

import pytest

from farm.plugins.folder import read_common, read_folder, shipped_folder, shipped_plugins
from farm.protocol.errors import Invalid
from farm.protocol.plugins import PluginSource
from tests.support.plugins import write_plugin, write_shipped


def names(folder: Path) -> list[str]:
    return [item.name for item in read_folder(folder).files]


def test_sources_are_what_a_compiler_reads_in_the_order_of_their_names(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, "twice")
    for name in ("detail/b.cuh", "detail/a.hpp", "a.cu", "build/x.cu", ".git/y.cu", "kernel_test.cu", "notes.md"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(f"// {name}\n")
    assert names(folder) == ["a.cu", "detail/a.hpp", "detail/b.cuh", "kernel.cu", "plugin.cpp", "plugin.toml"]


def test_a_source_is_named_by_its_files_and_by_what_is_shared(tmp_path: Path) -> None:
    common, _ = read_common(write_shipped(tmp_path / "shipped"))
    files = read_folder(write_plugin(tmp_path, "twice")).files
    source = PluginSource(files, common)
    assert source.digest == PluginSource(files, common).digest
    assert source.digest not in (PluginSource(files).digest, PluginSource(files[1:], common).digest)
    assert source.layout("twice")["twice/kernel.cu"] == files[0].sha256
    assert sorted(source.layout("twice"))[:2] == ["CMakeLists.txt", "common/launch.cuh"]


def test_what_is_no_folder_of_a_plugin_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"has no plugin\.toml"):
        read_folder(tmp_path)
    folder = write_plugin(tmp_path, "twice")
    folder.rename(tmp_path / "other")
    with pytest.raises(Invalid, match="has a plugin that is called twice"):
        read_folder(tmp_path / "other")
    bare = write_plugin(tmp_path, "bare")
    for name in ("kernel.cu", "plugin.cpp"):
        (bare / name).unlink()
    with pytest.raises(Invalid, match="has nothing to compile"):
        read_folder(bare)


def test_the_plugins_that_come_with_farm_can_all_be_read() -> None:
    common, paths = read_common(shipped_folder())
    assert "CMakeLists.txt" in [item.name for item in common]
    assert all(paths[item.sha256].is_file() for item in common)
    folders = shipped_plugins(shipped_folder())
    assert folders
    for folder in folders:
        assert read_folder(folder).manifest.operators
