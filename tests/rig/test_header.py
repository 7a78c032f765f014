"""The headers of real plans."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.backends.tensorrt.header import HEADER_BYTES, PlanHeader, contradiction, read_header
from tests.support import models
from worker.device.builders.table import load

from .orders import order
from .rig import VERSION


@pytest.mark.parametrize("cards", [("8.6",), ("8.0", "8.9", "12.0"), ("12.1",)])
def test_a_plan_says_which_version_built_it_for_which_cards(
    tmp_path: Path, rig: Path, monkeypatch: pytest.MonkeyPatch, cards: tuple[str, ...]
) -> None:
    monkeypatch.syspath_prepend(str(rig))
    made = order(tmp_path, models.conv_net(), computeCapabilities=",".join(cards))
    built = load("tensorrt_rtx").build(made)
    header = read_header((made.output / built.files[0]).read_bytes()[:HEADER_BYTES])
    assert header == PlanHeader("tensorrt_rtx", VERSION, cards)
    assert contradiction(header, built.requirement) == ""
