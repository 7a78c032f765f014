"""What the first bytes of a plan tell; `tests/rig` reads those of real plans."""

from __future__ import annotations

from dataclasses import replace

import pytest

from farm.backends.tensorrt.header import PlanHeader, contradiction, read_header
from farm.protocol.requirement import EngineRequirement

# Of a plan for sm 86 and 89 that TensorRT for RTX 1.7.1.116 built; and the form that trtexec reads from 8.6 on.
RTX = bytes.fromhex("76747274 00000000 02000000 00000000 1c0a0200 00000000 01070174 76747274 0c000000") + bytes(28)
CLASSIC = bytes.fromhex("66747274 00000000 01000000 00000000 1c0a0200 00000000 0a04001a 66747274 00000000") + bytes(28)
ADA = EngineRequirement("tensorrt", "10.4.0", "linux-x86_64", compute_capabilities=("8.9",))
AHEAD = EngineRequirement("tensorrt_rtx", "1.7.1.116", "linux-x86_64", compute_capabilities=("8.6", "8.9"))


def test_a_plan_tells_who_made_it() -> None:
    assert read_header(CLASSIC) == PlanHeader("tensorrt", "10.4.0.26")
    assert read_header(RTX) == PlanHeader("tensorrt_rtx", "1.7.1.116", ("8.6", "8.9"))


@pytest.mark.parametrize(
    "first", [b"", b"ftrt", b"\x08\x08" + bytes(62), b"ptrt" + bytes(60), CLASSIC[:4] + b"\x01" + CLASSIC[5:]]
)
def test_other_forms_tell_nothing(first: bytes) -> None:
    assert read_header(first) is None


def test_a_plan_agrees_with_its_requirement() -> None:
    classic, ahead = read_header(CLASSIC), read_header(RTX)
    assert classic is not None
    assert ahead is not None
    for agreeing in (ADA, replace(ADA, backend_version="10.4.0.26"), replace(ADA, backend="trtexec")):
        assert contradiction(classic, agreeing) == ""
    assert contradiction(ahead, AHEAD) == ""


@pytest.mark.parametrize(
    ("first", "requirement", "told"),
    [
        (CLASSIC, replace(ADA, backend_version="10.5.0"), "says tensorrt 10.4.0.26, its manifest says tensorrt 10.5.0"),
        (CLASSIC, replace(ADA, backend_version="10.4.0.2"), "says tensorrt 10.4.0.26"),
        (CLASSIC, AHEAD, "its manifest says tensorrt_rtx 1.7.1.116"),
        (RTX, replace(AHEAD, compute_capabilities=("8.9", "12.0")), "not built for compute capability 12.0"),
    ],
)
def test_a_plan_that_says_otherwise_is_told(first: bytes, requirement: EngineRequirement, told: str) -> None:
    header = read_header(first)
    assert header is not None
    assert told in contradiction(header, requirement)
