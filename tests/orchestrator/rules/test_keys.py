"""Each field of a request key, mutated in turn, is another key; and the difference is told by its name."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from farm.protocol.keys import PreparationRecipe, RequestKey, StepCall, differences
from farm.protocol.options import BuildOptions, Precision, ShapeRange
from farm.protocol.target import BuildTarget, GpuClass

KEY = RequestKey(
    model="a" * 64,
    recipe=PreparationRecipe((StepCall("fold", {"limit": 1}),), {"onnx": "1.23.2"}),
    options=BuildOptions(
        Precision.FP16, ({"x": ShapeRange((1,), (2,), (4,))},), "b" * 64, {"builderOptimizationLevel": 3}
    ),
    target=BuildTarget(
        backend="tensorrt",
        backend_version="10.4.0.26",
        platform="linux-x86_64",
        libc="glibc-2.36",
        backend_detail={"cuda": "12"},
        gpu=GpuClass("Tesla V100-SXM2-32GB", "7.0", 80, 34 << 30, "1g.5gb"),
        instruction_sets=("avx2",),
        cuda="12.6",
        driver="560.35",
        l4t="35.3.1",
        power_mode="MAXN",
        toolchain={"nvcc": "12.6.20"},
    ),
    plugins={"roi": "c" * 64},
    timing_cache="none",
)


def mutations(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf of a value of the protocol, by the path that `differences` gives it, and the value with it changed."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            inner = f"{path}.{field.name}" if path else field.name
            for told, changed in mutations(getattr(value, field.name), inner):
                yield told, replace(value, **{field.name: changed})
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            for told, changed in mutations(item, f"{path}[{index}]"):
                yield told, (*value[:index], changed, *value[index + 1 :])
    elif isinstance(value, dict):
        for name, item in value.items():
            for told, changed in mutations(item, f"{path}.{name}"):
                yield told, {**value, name: changed}
    elif isinstance(value, Precision):
        yield path, Precision.INT8
    else:
        yield path, value + 1 if isinstance(value, int) else f"{value}x"


MUTATIONS = list(mutations(KEY))


def test_no_field_is_left_out() -> None:
    """Guards the test below: a new field of a key or its parts must be mutated as well."""
    reached = {path.split("[")[0] for path, _ in MUTATIONS}
    for prefix, kind in (("", RequestKey), ("options.", BuildOptions), ("target.", BuildTarget)):
        for field in dataclasses.fields(kind):
            assert any(path.startswith(prefix + field.name) for path in reached), prefix + field.name
    assert {f"target.gpu.{field.name}" for field in dataclasses.fields(GpuClass)} <= reached


@pytest.mark.parametrize(("path", "changed"), MUTATIONS, ids=[path for path, _ in MUTATIONS])
def test_each_field_makes_another_key_and_is_named(path: str, changed: RequestKey) -> None:
    assert changed.digest != KEY.digest
    assert [item.path for item in differences(KEY, changed)] == [path]


@pytest.mark.parametrize(
    ("part", "empty"),
    [("plugins", {}), ("options", BuildOptions()), ("recipe", PreparationRecipe(()))],
)
def test_what_is_left_out_makes_another_key(part: str, empty: Any) -> None:
    assert replace(KEY, **{part: empty}).digest != KEY.digest


def test_equal_keys_have_one_digest_in_any_order() -> None:
    tools = PreparationRecipe(KEY.recipe.steps, {"onnx": "1.23.2", "onnxslim": "0.1.98"})
    turned = PreparationRecipe(KEY.recipe.steps, {"onnxslim": "0.1.98", "onnx": "1.23.2"})
    assert replace(KEY, recipe=tools).digest == replace(KEY, recipe=turned).digest
