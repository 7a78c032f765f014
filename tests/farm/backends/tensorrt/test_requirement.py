"""How far the options of a build carry its engine."""

from __future__ import annotations

from typing import Any

from farm.backends.tensorrt.requirement import engine_requirement
from farm.protocol.options import BuildOptions, Precision
from farm.protocol.requirement import EngineRequirement
from farm.protocol.target import BuildTarget, GpuClass

L40 = BuildTarget("tensorrt", "10.9.0.34", "linux-x86_64", "glibc-2.36", gpu=GpuClass("NVIDIA L40", "8.9"))
AHEAD = BuildTarget("tensorrt_rtx", "1.7.1.116", "linux-x86_64", "glibc-2.36")


def asks(target: BuildTarget, **named: Any) -> EngineRequirement:
    return engine_requirement(target, BuildOptions(backend_options=named))


def test_an_engine_is_for_its_card_and_version_unless_options_carry_it_further() -> None:
    for plain in (asks(L40), asks(L40, hardwareCompatibilityLevel="none", versionCompatible=False)):
        assert (plain.gpu, plain.compute_capabilities) == (L40.gpu, ("8.9",))
        assert not plain.hardware_compatible
        assert not plain.version_compatible


def test_options_carry_it_further() -> None:
    assert asks(L40, hardwareCompatibilityLevel="ampere+").hardware_compatible
    assert asks(L40, versionCompatible=True).version_compatible
    assert not asks(L40, hardwareCompatibilityLevel="sameComputeCapability").hardware_compatible


def test_an_engine_built_ahead_of_time_is_for_the_cards_that_were_told() -> None:
    assert asks(AHEAD).compute_capabilities == ("8.0", "8.6", "8.9", "12.0")
    told = asks(AHEAD, computeCapabilities="sm86,89")
    assert (told.gpu, told.compute_capabilities) == (None, ("8.6", "8.9"))


def test_the_usual_cards_are_those_that_have_the_precision() -> None:
    ahead = engine_requirement(AHEAD, BuildOptions(Precision.FP8))
    assert ahead.compute_capabilities == ("8.9", "12.0")
