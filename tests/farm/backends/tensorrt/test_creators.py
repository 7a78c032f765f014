from __future__ import annotations

from types import SimpleNamespace
from typing import List, Tuple

import pytest

from farm.backends.tensorrt.creators import register_creators


@pytest.mark.parametrize("starts", [True, False])
def test_a_library_that_does_not_start_is_told_and_no_error(starts: bool, caplog: pytest.LogCaptureFixture) -> None:
    asked: List[Tuple[object, str]] = []

    def start(logger: object, namespace: str) -> bool:
        asked.append((logger, namespace))
        return starts

    logger = object()
    assert register_creators(SimpleNamespace(init_libnvinfer_plugins=start), logger) is starts
    # The namespace that the parser asks for.
    assert asked == [(logger, "")]
    assert ("does not start" in caplog.text) is not starts
