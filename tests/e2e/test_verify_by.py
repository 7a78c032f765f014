"""Whom an engine is held against, through a whole farm."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.protocol.report import Verdict

from .fleet import fleet, net

pytestmark = pytest.mark.slow


def test_an_engine_that_exists_is_held_against_a_float32_build(tmp_path: Path) -> None:
    path = net(tmp_path, seed=41)
    with fleet(tmp_path, broker_url="none") as farm:
        farm.worker("box")
        half = ("submit", path, "--targets", "cpu", "--precision", "fp16", "--no-bench", "--wait")
        first = farm.json(*half)
        assert [item["state"] for item in first["builds"]] == ["done"], first
        (told,) = farm.client.results(first["id"])
        assert told.verification is not None
        assert told.verification.reference.startswith("onnxruntime ")

        # The same engine; beside it a float32 build that nobody keeps.
        again = farm.json(*half, "--verify-by", "float32")
        assert [item["state"] for item in again["builds"]] == ["done"], again
        (held,) = farm.client.results(again["id"])
        assert held.engine is not None
        assert told.engine is not None
        assert held.engine.engine == told.engine.engine
        assert held.verification is not None
        assert held.verification.verdict is Verdict.PASSED
        assert held.verification.reference.startswith("float32 build of onnxruntime ")
