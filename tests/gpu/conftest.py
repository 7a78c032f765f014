"""What this GPU is, as a worker would tell."""

from __future__ import annotations

import pytest

from farm.device.probe import probe
from farm.protocol.target import BuildTarget, targets_from_facts


@pytest.fixture(scope="session")
def target() -> BuildTarget:
    """The target of TensorRT on this machine's first card; without one the run fails."""
    facts = probe()
    found = [item for item in targets_from_facts(facts) if item.backend == "tensorrt"]
    assert found, f"no GPU with TensorRT here: {facts.gpus}, {facts.backends}"
    return found[0]
