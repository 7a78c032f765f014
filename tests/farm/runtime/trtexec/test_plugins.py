from __future__ import annotations

from pathlib import Path
from typing import List

import pytest

from farm.backends.tensorrt.capabilities import capabilities_of
from farm.backends.tensorrt.logger import Sayings
from farm.protocol.model import FileRef
from farm.runtime.trtexec import plugins
from farm.runtime.trtexec.program import Program

LIBRARIES = (FileRef("plugins/libone.so", 1, "1" * 64), FileRef("plugins/libtwo.so", 1, "2" * 64))


@pytest.fixture(autouse=True)
def _nothing_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plugins, "_named", {})


@pytest.mark.parametrize(
    ("version", "option"), [("8.5.2", "plugins"), ("8.6.1", "dynamicPlugins"), ("11.1.0", "dynamicPlugins")]
)
def test_libraries_are_named_as_the_version_takes_them(tmp_path: Path, version: str, option: str) -> None:
    assert plugins.plugin_arguments(capabilities_of(version)) == ()
    plugins.name_plugins(tmp_path, LIBRARIES)
    plugins.name_plugins(tmp_path, LIBRARIES[:1])
    expected = [f"--{option}={tmp_path}/plugins/lib{name}.so" for name in ("one", "two")]
    assert list(plugins.plugin_arguments(capabilities_of(version))) == expected


def test_every_run_of_the_program_gets_them(tmp_path: Path) -> None:
    program = tmp_path / "trtexec"
    program.write_text('#!/bin/sh\nfor word in "$@"; do echo "[I] $word"; done > said\n')
    program.chmod(0o755)
    plugins.name_plugins(tmp_path, LIBRARIES[:1])
    can = capabilities_of("10.4.0")
    assert Program(str(program), can).run(("--loadEngine=engine.plan",), tmp_path, Sayings()) is None
    said: List[str] = (tmp_path / "said").read_text().split()
    assert said[1::2] == [f"--dynamicPlugins={tmp_path}/plugins/libone.so", "--loadEngine=engine.plan"]
