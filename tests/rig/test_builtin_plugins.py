"""Plugins that come with the farm, found from the operators of a model and built into real engines."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.protocol.options import BuildOptions
from farm.protocol.states import State
from tests.e2e.fleet import Fleet
from tests.support.own_models import with_operator

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CARD = BuildOptions(backend_options={"computeCapabilities": "8.9"})
_COMPILED_S = 600.0


def test_cummax_is_found_compiled_and_built_into_the_engine(smithy: Fleet, tmp_path: Path) -> None:
    model = with_operator(tmp_path, "running", "cummax", outputs=("values", "places"))
    view = smithy.ended(smithy.submit(model, "rtx-aot", build=CARD), _COMPILED_S)
    assert [item.state for item in view.builds] == [State.DONE], smithy.story(view)
    (engine,) = smithy.engines(view)
    manifest = smithy.client.engines.show(engine.id).manifest
    assert list(manifest.key.plugins) == ["cummax"]
    assert manifest.effective["plugins"]["cummax"]["machine_code"] == ["8.9"]
    assert "Successfully created plugin: cummax" in smithy.farm("logs", smithy.build(view).id).out
