from __future__ import annotations

import pytest

from tests.support.coordinator import Coordinator

from .upgraded import Upgraded, upgraded


@pytest.fixture
def fleet(farm: Coordinator) -> Upgraded:
    """Two machines, and nothing built."""
    return upgraded(farm)
