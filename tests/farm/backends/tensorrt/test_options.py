"""Options of TensorRT: each version takes those it has and refuses the others by name, with the reason."""

from __future__ import annotations

from typing import Any

import pytest

from farm.backends.options import check_options, option_problems, options_of
from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions

ORDINARY: dict[str, Any] = {
    "memPoolSize": "workspace:1024,dlaSRAM:1M",
    "avgTiming": 8,
    "sparsity": "enable",
    "refit": True,
    "profilingVerbosity": "detailed",
    "tacticSources": "-JIT_CONVOLUTIONS",
    "verbose": True,
}


def problems(backend: str, version: str, **named: Any) -> tuple[str, ...]:
    return option_problems(backend, version, BuildOptions(backend_options=named))


@pytest.mark.parametrize("version", ["8.5.2.2", "8.6.1", "10.4.0", "10.16.1.11", "11.4.0.106"])
@pytest.mark.parametrize("backend", ["tensorrt", "trtexec"])
def test_every_version_takes_the_ordinary_ones(backend: str, version: str) -> None:
    assert problems(backend, version, **ORDINARY) == ()


@pytest.mark.parametrize(
    ("version", "named", "told"),
    [
        ("8.5.3.1", {"builderOptimizationLevel": 3}, "'builderOptimizationLevel': it begins with TensorRT 8.6"),
        ("8.5.3.1", {"maxAuxStreams": 0}, "'maxAuxStreams': it begins with TensorRT 8.6"),
        ("8.5.3.1", {"hardwareCompatibilityLevel": "ampere+"}, "begins with TensorRT 8.6"),
        ("8.5.3.1", {"versionCompatible": True}, "begins with TensorRT 8.6"),
        ("8.6.1", {"stripWeights": True}, "'stripWeights': it begins with TensorRT 10.0"),
        ("10.3.0", {"maxTactics": 4}, "begins with TensorRT 10.4"),
        ("10.7.0", {"tilingOptimizationLevel": 1}, "begins with TensorRT 10.8"),
        ("10.8.0.43", {"hardwareCompatibilityLevel": "sameComputeCapability"}, "may be one of none, ampere+"),
        ("10.8.0.43", {"useDLACore": 0}, "its builder knows no DLA"),
        ("10.4.0", {"allowWeightStreaming": True}, "from TensorRT 11 on"),
        ("11.1.0.106", {"tacticSources": "-CUBLAS"}, "of EDGE_MASK_CONVOLUTIONS, JIT_CONVOLUTIONS"),
        ("10.4.0", {"tacticSources": "CUBLAS"}, "changes such as -CUBLAS,+CUDNN"),
        ("8.5.3.1", {"memPoolSize": "tacticDRAM:512"}, "of dlaGlobalDRAM, dlaLocalDRAM, dlaSRAM, workspace"),
        ("10.4.0", {"memPoolSize": "workspace"}, "cannot honour memPoolSize = 'workspace'"),
        ("10.4.0", {"memPoolSize": 1024}, "cannot honour memPoolSize = 1024"),
        ("10.4.0", {"builderOptimizationLevel": 6}, "a whole number from 0 to 5"),
        ("10.4.0", {"refit": "yes"}, "true or false"),
        ("10.4.0", {"computeCapabilities": "8.6"}, "it builds for the card it runs on"),
        ("10.4.0", {"workspace": 1024}, "only memPoolSize, builderOptimizationLevel"),
    ],
)
def test_what_a_version_cannot_honour_names_option_and_version(version: str, named: dict[str, Any], told: str) -> None:
    (problem,) = problems("tensorrt", version, **named)
    assert told in problem
    assert problem.startswith(f"tensorrt {version} ")
    with pytest.raises(Unsupported):
        check_options("tensorrt", version, BuildOptions(backend_options=named))


def test_what_begins_later_is_taken_later() -> None:
    assert problems("tensorrt", "8.6.1", builderOptimizationLevel=3, maxAuxStreams=0, versionCompatible=True) == ()
    assert problems("tensorrt", "10.8.0.43", maxTactics=4, tilingOptimizationLevel=3, stripWeights=True) == ()
    assert problems("tensorrt", "10.9.0.34", hardwareCompatibilityLevel="sameComputeCapability") == ()
    assert problems("tensorrt", "11.4.0.106", allowWeightStreaming=True) == ()
    assert problems("tensorrt", "10.7.0.23", useDLACore=1, allowGPUFallback=True) == ()


@pytest.mark.parametrize("cards", ["8.6", "8.6,8.9", "sm86,sm120", "75", "12.1"])
def test_rtx_is_told_its_cards(cards: str) -> None:
    assert problems("tensorrt_rtx", "1.7.1.116", computeCapabilities=cards, builderOptimizationLevel=3) == ()


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"computeCapabilities": "9.0"}, "of 7.5, 8.0, 8.6, 8.9, 12.0, 12.1; 7.5 alone"),
        ({"computeCapabilities": "7.5,8.6"}, "7.5 alone"),
        ({"computeCapabilities": "8.6,8.6"}, "cannot honour"),
        ({"computeCapabilities": 8.6}, "cannot honour"),
        ({"avgTiming": 8}, "times no tactics"),
        ({"useDLACore": 0}, "it has no DLA"),
        ({"versionCompatible": True}, "with the version that built them only"),
        ({"hardwareCompatibilityLevel": "ampere+"}, "computeCapabilities says which cards"),
    ],
)
def test_rtx_says_why_it_lacks_an_option(named: dict[str, Any], told: str) -> None:
    (problem,) = problems("tensorrt_rtx", "1.7.1.116", **named)
    assert told in problem


def test_trtexec_has_no_pool_for_the_memory_of_tactics() -> None:
    (problem,) = problems("trtexec", "10.4.0", memPoolSize="tacticDRAM:512")
    assert "tacticDRAM" not in problem.split("which may be")[1]
    assert problems("tensorrt", "10.4.0", memPoolSize="tacticDRAM:512") == ()


def test_each_option_is_taken_by_some_version() -> None:
    newest = [options_of("tensorrt", "11.4.1.7"), options_of("tensorrt_rtx", "1.7.1.116")]
    taken = {name for known in newest if known for name, option in known.items() if not option.absent}
    assert all(known is not None and taken == set(known) for known in newest)
