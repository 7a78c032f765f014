"""Plugins in the whole farm on a card: found by an operator, compiled, verified, fetched, run beside the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from farm.protocol.plugins import LIBRARY_FOLDER
from tests.e2e.fleet import Fleet
from tests.plugins.cases import CASES
from tests.plugins.expected import check
from tests.plugins.graph import graph

from .commands import on_the_card
from .farms import card_fleet, passed, saved


@pytest.fixture(scope="module")
def farm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A coordinator, a host, and a worker of the card that finds a compiler and TensorRT's headers."""
    with card_fleet(tmp_path_factory.mktemp("farm")) as made:
        yield made


# Two outputs; tensor cores; sizes that are contents of inputs; counts that depend on contents; what no importer takes.
@pytest.mark.parametrize(
    "name", ["cummax", "fused_attention", "ms_deform_attn", "non_max_suppression", "mmcv_modulated_deform_conv2d"]
)
def test_an_operator_comes_back_as_an_engine_that_runs(farm: Fleet, tmp_path: Path, name: str) -> None:
    case = CASES[name]
    inputs = {f"x{place}": array for place, array in enumerate(case.inputs)}
    np.savez(tmp_path / "inputs.npz", **inputs)
    path = saved(tmp_path, name, graph(case))
    result = passed(farm, path, "--targets", "backend=tensorrt", "--loadInputs", tmp_path / "inputs.npz")
    assert result.engine is not None
    assert list(result.engine.manifest.key.plugins) == [case.plugin]
    assert result.verification is not None
    assert "NumPy for" in result.verification.reference, result.verification

    folder, outputs = tmp_path / "engine", tmp_path / "outputs.npz"
    on_the_card(farm, "fetch", name, "-o", folder)
    assert [item.name for item in (folder / LIBRARY_FOLDER).iterdir()] == [f"libfarm_{case.plugin}.so"]
    on_the_card(farm, "run", folder, "--loadInputs", tmp_path / "inputs.npz", "-o", outputs)
    with np.load(outputs) as found:
        check([found[key] for key in sorted(found)], case.wanted(case.inputs), case.plugin)
