"""Every row of the table; a step that is added needs no line here."""

from __future__ import annotations

from pathlib import Path

import pytest

from farm.backends.tensorrt.needs import NEEDS, Need
from farm.device.hosttools import TOOLS
from farm.protocol.steps import parse_step
from worker.host.graph.steps import STEPS, parameters_of, step

DOCUMENT = Path(__file__).parents[4] / "docs" / "graph.md"


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_what_the_table_says(name: str) -> None:
    one = step(name)
    assert name == one.NAME
    assert one.DESCRIPTION
    assert one.TOLERANCE is None or 0 < one.TOLERANCE < 1e-3
    assert all(isinstance(value, (bool, int, float, str)) for value in one.PARAMETERS.values())


@pytest.mark.parametrize("name", STEPS)
def test_the_tools_of_a_step_are_in_the_key(name: str) -> None:
    assert set(step(name).TOOLS) <= set(TOOLS)


@pytest.mark.parametrize("name", STEPS)
def test_a_step_is_documented_with_its_tolerance(name: str) -> None:
    (row,) = [line for line in DOCUMENT.read_text().splitlines() if line.startswith(f"| `{name}` |")]
    tolerance = step(name).TOLERANCE
    assert row.endswith(f"| {'reported' if tolerance is None else f'{tolerance:g}'} |")
    for parameter in step(name).PARAMETERS:
        assert f"`{parameter}`" in row


@pytest.mark.parametrize("need", NEEDS, ids=lambda need: need.step)
def test_what_a_version_needs_is_a_step_with_such_parameters(need: Need) -> None:
    call = parse_step(need.step)
    assert parameters_of(call).items() >= call.parameters.items()
