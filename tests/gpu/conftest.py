"""What this GPU is, as a worker would tell."""

from __future__ import annotations

import pytest

from farm.device.probe import probe
from farm.protocol.facts import DeviceFacts
from farm.protocol.target import BuildTarget, targets_from_facts


@pytest.fixture(scope="session")
def facts() -> DeviceFacts:
    """All of this machine."""
    return probe()


@pytest.fixture(scope="session")
def target(facts: DeviceFacts) -> BuildTarget:
    """The target of TensorRT on this machine's first card; without one the run fails."""
    found = [item for item in targets_from_facts(facts) if item.backend == "tensorrt"]
    assert found, f"no GPU with TensorRT here: {facts.gpus}, {facts.backends}"
    return found[0]
