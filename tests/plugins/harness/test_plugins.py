"""Every plugin under a played TensorRT 11: from a graph's node through a plan to the numbers of its reference."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import cache

import pytest

from tests.plugins.cases import CASES, Case
from tests.plugins.expected import check
from tests.plugins.harness.player import Player
from tests.plugins.names import listed
from tests.plugins.toolchains import headers
from tests.support.tried import expect, tried

PLAYED = "plugins executed through IPluginV3"
expect(PLAYED, "nothing passed; it takes headers of TensorRT 10 and 11, named with FARM_TEST_TENSORRT")
# On a card the kernels are compiled once for all; here once more for each.
GENERATIONS = ("10.0", "10.4", "10.16", "11.1") if os.environ.get("FARM_TEST_CARD") else ("11.1",)


@pytest.fixture(scope="module", params=GENERATIONS)
def player_of(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Player]]:
    """The player of a plugin, one for all of its cases."""
    if request.param not in headers():
        pytest.skip(f"there are no headers of TensorRT {request.param} on this machine")
    made: dict[str, Player] = {}

    @cache
    def player(name: str) -> Player:
        made[name] = Player(name, headers()[request.param].folder)
        return made[name]

    yield player
    for each in made.values():
        each.close()


@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_plugin_gives_what_its_reference_says(case: Case, dtype: str, player_of: Callable[[str], Player]) -> None:
    asked = case if dtype == "float32" else case.half()
    for inputs in asked.every:
        found = player_of(case.plugin).run(asked.operator, asked.attributes, *inputs, most=asked.largest)
        check(found, asked.wanted(inputs), case.plugin)
    tried(PLAYED, case.plugin)


def test_every_plugin_has_a_case() -> None:
    assert {case.plugin for case in CASES.values()} == set(listed())
