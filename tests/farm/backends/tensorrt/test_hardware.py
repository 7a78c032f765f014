"""What depends on the card and not on the version alone."""

from __future__ import annotations

from typing import Any

import pytest

from farm.backends.options import check_target, problems
from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.target import BuildTarget, GpuClass


def target(version: str, capability: str, l4t: str | None = None) -> BuildTarget:
    platform = "linux-aarch64" if l4t else "linux-x86_64"
    return BuildTarget("tensorrt", version, platform, "glibc-2.31", gpu=GpuClass("card", capability), l4t=l4t)


XAVIER = target("8.5.2.2", "7.2", "35.4.1")
ORIN = target("10.3.0.30", "8.7", "36.4.0")
V100 = target("10.4.0.26", "7.0")
H200 = target("8.5.3.1", "9.0")


def test_each_device_of_the_fleet_builds_without_options() -> None:
    for here in (XAVIER, ORIN, V100, H200):
        assert problems(here, BuildOptions()) == ()


@pytest.mark.parametrize(
    ("here", "told"),
    [
        (target("10.5.0.18", "7.0"), "tensorrt 10.5.0.18 does not run on compute capability 7.0, which TensorRT 10.5"),
        (target("8.6.2.3", "7.2", "36.2"), "which TensorRT 8.6 left behind"),
        (target("10.0.1.6", "6.1"), "which TensorRT 10.0 left behind"),
        (target("10.7.0.23", "12.0"), "which begins with TensorRT 10.8"),
    ],
)
def test_a_version_that_does_not_run_on_the_card_is_told(here: BuildTarget, told: str) -> None:
    (problem,) = problems(here, BuildOptions())
    assert told in problem


@pytest.mark.parametrize(
    ("here", "precision", "named", "told"),
    [
        (
            V100,
            Precision.FP16,
            {"hardwareCompatibilityLevel": "ampere+"},
            "capability 8.0 on, this is 7.0",
        ),
        (ORIN, Precision.FP16, {"hardwareCompatibilityLevel": "ampere+"}, "on a Jetson"),
        (H200, Precision.FP16, {"useDLACore": 0}, "card has no DLA"),
        (XAVIER, Precision.FP32, {"useDLACore": 0}, "with --precision fp16 or int8 only, not with fp32"),
    ],
)
def test_what_a_card_cannot_honour(here: BuildTarget, precision: Precision, named: dict[str, Any], told: str) -> None:
    (problem,) = problems(here, BuildOptions(precision, backend_options=named))
    assert told in problem
    with pytest.raises(Unsupported):
        check_target(here, BuildOptions(precision, backend_options=named))


def test_what_a_card_can_honour() -> None:
    dla = {"useDLACore": 1, "allowGPUFallback": True}
    for jetson in (XAVIER, ORIN):
        assert problems(jetson, BuildOptions(Precision.INT8, backend_options=dla)) == ()
    compatible = {"hardwareCompatibilityLevel": "sameComputeCapability"}
    assert problems(target("10.9.0.34", "7.5"), BuildOptions(backend_options=compatible)) == ()
    assert problems(V100, BuildOptions(backend_options={"hardwareCompatibilityLevel": "none"})) == ()


def test_cards_that_are_told_must_have_the_precision() -> None:
    ahead = BuildTarget("tensorrt_rtx", "1.7.1.116", "linux-x86_64", "glibc-2.36")
    (problem,) = problems(ahead, BuildOptions(Precision.FP8, backend_options={"computeCapabilities": "8.6,8.9"}))
    assert problem == (
        "tensorrt_rtx 1.7.1.116 cannot build --precision fp8 for computeCapabilities 8.6: "
        "fp8 begins with compute capability 8.9, this is 8.6"
    )
    assert problems(ahead, BuildOptions(Precision.FP8)) == ()
    (problem,) = problems(ahead, BuildOptions(Precision.BF16, backend_options={"computeCapabilities": "7.5"}))
    assert "bf16 begins with compute capability 8.0" in problem
