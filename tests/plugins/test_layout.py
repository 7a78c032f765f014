"""What every plugin's folder has and how it is written, as docs/plugins.md says it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

from farm.plugins.manifest import read_manifest
from farm.protocol.plugins import PluginManifest

from .compiling import PLUGINS, alike, included
from .names import listed

FILES = ("README.md", "kernel.cu", "kernel.hpp", "plugin.cpp", "plugin.toml", "reference.py")
CODE = sorted(path for path in PLUGINS.rglob("*") if path.suffix in (".cu", ".cuh", ".hpp", ".cpp"))
HEADERS = [path for path in CODE if path.suffix in (".cuh", ".hpp")]
COLUMNS = 100

every_plugin = pytest.mark.parametrize("name", listed())


def relative(path: Path) -> str:
    return str(path.relative_to(PLUGINS))


@cache
def manifest(name: str) -> PluginManifest:
    return read_manifest((PLUGINS / name / "plugin.toml").read_bytes())


@cache
def glue(name: str) -> str:
    return (PLUGINS / name / "plugin.cpp").read_text()


def test_every_folder_is_in_the_list() -> None:
    folders = {path.parent.name for path in PLUGINS.glob("*/plugin.cpp")}
    assert folders == set(listed())
    assert listed() == sorted(listed())


@every_plugin
def test_a_folder_has_every_file(name: str) -> None:
    assert [file for file in FILES if not (PLUGINS / name / file).is_file()] == []


@every_plugin
def test_folder_manifest_and_creators_have_the_same_names(name: str) -> None:
    assert manifest(name).name == name
    registered = re.findall(r'\bkName\[\] = "([^"]+)"', glue(name))
    assert sorted(registered) == sorted(manifest(name).operators)
    exported = re.findall(r"FARM_EXPORT_PLUGINS\(([^)]*)\)", glue(name))
    assert len(exported) == 1
    assert len(exported[0].split(",")) == len(registered)


@every_plugin
def test_the_manifest_has_the_attributes_of_the_glue(name: str) -> None:
    bound = set(re.findall(r'\.(?:optional|required|word)\(\s*"([^"]+)"', "".join(map(Path.read_text, ours(name)))))
    assert {attribute.name for attribute in manifest(name).attributes} == bound


def ours(name: str) -> list[Path]:
    """The glue, and what it includes that is not the same for every plugin."""
    common = {PLUGINS / "common" / path.name for path in (PLUGINS / "common").glob("*.hpp")}
    return sorted(included(PLUGINS / name / "plugin.cpp") - common)


@every_plugin
def test_the_readme_speaks_of_every_tensor_and_attribute(name: str) -> None:
    text = (PLUGINS / name / "README.md").read_text()
    told = manifest(name)
    words = [item.name for items in (told.inputs, told.outputs, told.attributes) for item in items]
    assert [word for word in words if f"`{word}`" not in text] == []


@every_plugin
def test_every_type_of_the_manifest_has_a_tolerance(name: str) -> None:
    told = manifest(name)
    types = {dtype for items in (told.inputs, told.outputs) for item in items for dtype in item.dtypes}
    assert types & {"float32", "float16"} == {"float32", "float16"}
    # Whole numbers are compared as they are; `same` is the type of the inputs.
    assert types - {"int32", "same"} <= set(told.tolerance) or set(told.tolerance) == {"int32"}


@every_plugin
def test_kernels_know_nothing_of_tensorrt(name: str) -> None:
    seen = included(PLUGINS / name / "kernel.cu")
    assert PLUGINS / name / "kernel.hpp" in seen
    knowing = [relative(path) for path in seen if re.search(r"NvInfer|nvinfer1|common/trt_", path.read_text())]
    assert knowing == []


@every_plugin
def test_glue_launches_nothing_itself(name: str) -> None:
    assert not re.search(r"<<<|__global__|__device__|launch\.cuh|cudaMalloc|\bnew\b", glue(name))
    assert '#include "common/export.hpp"' in glue(name)
    assert '#include "kernel.hpp"' in glue(name)


@pytest.mark.parametrize("path", HEADERS, ids=relative)
def test_a_header_is_read_once(path: Path) -> None:
    code = [line for line in path.read_text().splitlines() if line and not line.startswith("//")]
    assert code[0] == "#pragma once"


@pytest.mark.parametrize("path", CODE, ids=relative)
def test_cards_are_told_apart_by_comparisons_alone(path: Path) -> None:
    """Those between which nothing is told apart are compiled for together."""
    known = r"defined\(__CUDA_ARCH__\)|ifn?def __CUDA_ARCH__|\b__CUDA_ARCH__ (<|>|<=|>=|==|!=) \d+"
    assert "__CUDA_ARCH" not in re.sub(known, "", path.read_text())


def test_cards_that_code_tells_apart_are_compiled_for_apart() -> None:
    cards = ("75", "80", "86", "87", "89", "90", "100")
    assert alike(cards, "") == [("75",), ("80", "86", "87", "89"), ("90",), ("100",)]
    assert alike(cards, "#if __CUDA_ARCH__ == 870") == [("75",), ("80", "86", "89"), ("87",), ("90",), ("100",)]
    between = "#if !defined(__CUDA_ARCH__) || (__CUDA_ARCH__ >= 860 && __CUDA_ARCH__ < 890)"
    assert alike(cards[:5], between) == [("75",), ("80",), ("86", "87"), ("89",)]


@pytest.mark.parametrize("path", CODE, ids=relative)
def test_code_is_narrow_and_hides_no_unsupported_case(path: Path) -> None:
    text = path.read_text()
    assert [line for line in text.splitlines() if len(line) > COLUMNS or "\t" in line] == []
    assert not re.search(r"default:\s*break", text)
    assert len(text.splitlines()) <= 300
