"""Every plugin under a played TensorRT 11: from a graph's node through a plan to the numbers of its reference."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import pytest

from tests.plugins.cases import CASES, Case
from tests.plugins.compiling import PLUGINS
from tests.plugins.harness.player import Player
from tests.plugins.names import listed
from tests.plugins.toolchains import headers
from tests.support.tried import expect, tried

PLAYED = "plugins executed through IPluginV3"
expect(PLAYED, "nothing passed; it takes headers of TensorRT 10 and 11, named with FARM_TEST_TENSORRT")
NEWEST = "11.1"


@pytest.fixture(scope="module")
def player_of() -> Iterator[Callable[[str], Player]]:
    """The player of a plugin, one for all of its cases."""
    if NEWEST not in headers():
        pytest.skip(f"there are no headers of TensorRT {NEWEST} on this machine")
    made: dict[str, Player] = {}

    @cache
    def player(name: str) -> Player:
        made[name] = Player(name, headers()[NEWEST].folder)
        return made[name]

    yield player
    for each in made.values():
        each.close()


@cache
def tolerance(name: str) -> dict[str, float]:
    with (PLUGINS / name / "plugin.toml").open("rb") as file:
        found: dict[str, float] = tomllib.load(file)["tolerance"]
        return found


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_plugin_gives_what_its_reference_says(case: Case, dtype: str, player_of: Callable[[str], Player]) -> None:
    asked = case if dtype == "float32" else case.half()
    found = player_of(case.plugin).run(asked.operator, asked.attributes, *asked.inputs, most=asked.most)
    wanted = asked.wanted()
    assert len(found) == len(wanted)
    for got, said in zip(found, wanted, strict=True):
        assert got.shape == said.shape
        assert got.dtype == said.dtype
        limit = tolerance(case.plugin)[dtype] if got.dtype.kind == "f" else 0
        np.testing.assert_allclose(got.astype(np.float64), said.astype(np.float64), rtol=limit, atol=limit)
    tried(PLAYED, case.plugin)


def test_every_plugin_has_a_case() -> None:
    assert {case.plugin for case in CASES.values()} == set(listed())
