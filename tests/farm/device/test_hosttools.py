from __future__ import annotations

from pathlib import Path
from typing import Any, Dict

import pytest

import farm
from farm.device.hosttools import TWINS_GROUP, probe_host_tools
from farm.device.machine import providers

from .recorded_machine import machine_of

TOOLS = {"onnx": "1.23.2", "onnxruntime": "1.31.1", "onnxslim": "0.1.98"}


def host(root: Path, python: str, packages: Dict[str, str], **more: Any) -> Dict[str, str]:
    told: Dict[str, Any] = {"architecture": "x86_64", "libc": "glibc-2.36", "python": python, "cores": 2, **more}
    return probe_host_tools(machine_of(root, {**told, "packages": packages}))


def test_a_host_tells_every_tool_it_has(tmp_path: Path) -> None:
    assert host(tmp_path, "3.11.2", TOOLS) == {"farm": farm.__version__, **TOOLS}
    more = {**TOOLS, "onnx-graphsurgeon": "0.6.1", "numpy": "2.4.6"}
    assert host(tmp_path, "3.12.1", more) == {"farm": farm.__version__, **more}


def test_a_device_that_lacks_a_tool_or_a_new_python_is_no_host(tmp_path: Path) -> None:
    assert host(tmp_path, "3.11.2", {"onnx": "1.17.0", "onnxruntime": "1.19.2"}) == {}
    assert host(tmp_path, "3.9.2", TOOLS) == {}


def test_distributions_with_twins_are_tools(tmp_path: Path) -> None:
    told = host(tmp_path, "3.11.2", TOOLS, **{TWINS_GROUP: {"own-twins": "1.0"}})
    assert told == {"farm": farm.__version__, "own-twins": "1.0", **TOOLS}


def test_a_distribution_is_found_by_what_it_offers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "own_twins-1.5.dist-info"
    folder.mkdir()
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: own-twins\nVersion: 1.5\n")
    (folder / "entry_points.txt").write_text(f"[{TWINS_GROUP}]\ncummax = own:compute\n")
    assert "own-twins" not in providers(TWINS_GROUP)
    monkeypatch.syspath_prepend(str(tmp_path))
    assert providers(TWINS_GROUP)["own-twins"] == "1.5"
