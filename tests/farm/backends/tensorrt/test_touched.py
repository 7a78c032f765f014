"""Builders and runtimes touch no name of TensorRT that the table does not hold, and ask no object what it has."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from farm.backends.tensorrt.capabilities import CLASSES, SYMBOLS
from farm.backends.tensorrt.enums import MODULE

ROOT = Path(__file__).parents[4]
FILES = sorted(
    path
    for folder in ("worker/device/builders/tensorrt", "farm/runtime/tensorrt", "farm/backends/tensorrt")
    for path in (ROOT / folder).glob("*.py")
)
# What variables of these names hold wherever they are not annotated as something else.
HOLD = {
    "builder": "Builder",
    "config": "IBuilderConfig",
    "network": "INetworkDefinition",
    "parser": "OnnxParser",
    "registry": "IPluginRegistry",
    "runtime": "Runtime",
    "context": "IExecutionContext",
    "timing_cache": "ITimingCache",
}


def touched(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Line and name of each thing of TensorRT that is touched by its name."""
    other = {
        argument.arg
        for argument in ast.walk(tree)
        if isinstance(argument, ast.arg)
        and isinstance(argument.annotation, ast.Name)
        and argument.annotation.id != "Any"
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute):
            continue
        owner = _last(node.value)
        if owner == "trt":
            yield node.lineno, node.attr
        elif isinstance(node.value, ast.Attribute) and _last(node.value.value) == "trt":
            yield node.lineno, f"{node.value.attr}.{node.attr}"
        elif owner in HOLD and owner not in other:
            yield node.lineno, f"{HOLD[owner]}.{node.attr}"


def _last(node: ast.expr) -> str:
    """`x`, `self.x` and `self._x` are all called x."""
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name.lstrip("_")


def unknown(tree: ast.Module) -> list[tuple[int, str]]:
    """What is touched although no table holds it."""
    known = {*SYMBOLS, *MODULE, *CLASSES, "__name__"}
    return [(line, name) for line, name in touched(tree) if name not in known]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_is_touched_is_in_the_table(path: Path) -> None:
    assert unknown(ast.parse(path.read_text())) == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_asks_an_object_what_it_has(path: Path) -> None:
    asked = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and (node.func.id == "hasattr" or (node.func.id == "getattr" and len(node.args) > 2))
    ]
    assert asked == []


def test_the_reader_sees_each_form() -> None:
    source = """
def build(trt, config: Any, engine: Path, parser: Path):
    config.max_workspace_size = 1
    config.set_flag(trt.BuilderFlag.STRICT_TYPES)
    self.trt.Builder(trt.Loger())
    assembly.network.num_layers
    self._builder.build_engine()
    parser.name
"""
    found = [name for _, name in unknown(ast.parse(source))]
    assert sorted(found) == [
        "Builder.build_engine",
        "BuilderFlag.STRICT_TYPES",
        "IBuilderConfig.max_workspace_size",
        "Loger",
    ]


def test_files_are_found() -> None:
    assert [path.name for path in FILES if path.name == "config.py"]
