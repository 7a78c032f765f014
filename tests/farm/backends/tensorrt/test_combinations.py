"""Options that mean something only beside another, and engines that wait for their weights."""

from __future__ import annotations

from typing import Any

import pytest

from farm.backends.options import problems
from farm.backends.tensorrt.combinations import check_has_weights, stripped
from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.target import BuildTarget, GpuClass

L40 = BuildTarget("tensorrt", "10.4.0", "linux-x86_64", "glibc-2.36", gpu=GpuClass("NVIDIA L40", "8.9"))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (BuildOptions(backend_options={"excludeLeanRuntime": True}), "excludeLeanRuntime without versionCompatible"),
        (BuildOptions(Precision.FP16, backend_options={"allowGPUFallback": True}), "allowGPUFallback without useDLA"),
        (
            BuildOptions(Precision.INT8, calibration="a" * 64, backend_options={"stripWeights": True}),
            "stripWeights with calibration data",
        ),
    ],
)
def test_what_means_nothing_alone_is_refused_by_name(options: BuildOptions, told: str) -> None:
    (problem,) = problems(L40, options)
    assert problem.startswith(f"tensorrt 10.4.0 cannot honour {told}")


@pytest.mark.parametrize(
    "named",
    [
        {"excludeLeanRuntime": True, "versionCompatible": True},
        {"excludeLeanRuntime": False},
        {"stripWeights": True, "refit": True},
    ],
)
def test_what_belongs_together_is_taken(named: dict[str, Any]) -> None:
    assert problems(L40, BuildOptions(backend_options=named)) == ()


def test_an_engine_without_weights_says_what_it_waits_for() -> None:
    assert stripped(BuildOptions(backend_options={"stripWeights": True}))
    with pytest.raises(Unsupported, match="this engine cannot run: its weights were stripped"):
        check_has_weights(BuildOptions(backend_options={"stripWeights": True}))
    for whole in ({}, {"stripWeights": False}, {"refit": True}):
        assert not stripped(BuildOptions(backend_options=whole))
        check_has_weights(BuildOptions(backend_options=whole))
