"""With `FARM_TEST_CARD` set, kernels run on the card of this machine and not on its processor."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from .cpu.kernels import Kernels


@pytest.fixture(scope="session", autouse=True)
def _kernels_run_where_they_are_told() -> Iterator[None]:
    if not os.environ.get("FARM_TEST_CARD"):
        yield
        return
    from tests.gpu.plugins.kernels import CardKernels

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Kernels, "of", CardKernels.of)
        yield
