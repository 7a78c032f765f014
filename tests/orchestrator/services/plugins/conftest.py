from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from farm.protocol.states import Role
from orchestrator.services import plugins
from tests.support.coordinator import Coordinator, Talker, gpu_facts
from tests.support.plugins import write_shipped


@pytest.fixture
def farm(farm: Coordinator, tmp_path: Path) -> Coordinator:
    """A coordinator on each kind of database, with which the plugin `cummax` came."""
    farm.context = replace(farm.context, plugins=write_shipped(tmp_path / "shipped"))
    plugins.publish_shipped(farm.context)
    return farm


@pytest.fixture
def host(farm: Coordinator) -> Talker:
    return farm.enrol("host", roles=(Role.HOST,))


@pytest.fixture
def box(farm: Coordinator) -> Talker:
    return farm.enrol("a", gpu_facts(), (Role.DEVICE,), ("gpu0",))
