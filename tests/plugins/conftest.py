"""With `FARM_TEST_CARD` set, kernels run on the card of this machine and not on its processor."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .cpu.kernels import Kernels
from .harness import player


@pytest.fixture(scope="session", autouse=True)
def _kernels_run_where_they_are_told() -> Iterator[None]:
    if not os.environ.get("FARM_TEST_CARD"):
        yield
        return
    from tests.gpu.plugins.kernels import CardKernels
    from tests.gpu.plugins.played import parts

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Kernels, "of", CardKernels.of)
        patch.setattr(player, "parts", parts)
        yield
