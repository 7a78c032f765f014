"""How a host prepares a model: which graph steps, with which versions of which tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farm.protocol.keys import PreparationRecipe
from farm.protocol.steps import planned_steps


def recipe_for(
    steps: Sequence[str] | None, hosts: Sequence[Mapping[str, str]], needed: Sequence[str] = ()
) -> PreparationRecipe:
    """The recipe of a preparation: the given steps or the default ones, with the tools of the newest host.

    Args:
        steps: As typed, in order; None for the default, empty for none.
        hosts: The tool versions of each host of the fleet; the choice does not depend on their order.
        needed: What the target cannot do without, see `mechanism`: last, whatever steps were given.

    Raises: Invalid: a step is no word, or is there twice.
    """
    tools = max((dict(host) for host in hosts), key=_newness) if hosts else {}
    return PreparationRecipe(planned_steps(steps, needed), tools)


def can_prepare(recipe: PreparationRecipe, tools: Mapping[str, str]) -> bool:
    """True when a host with these tools makes what the recipe says; a recipe made without any host takes every one."""
    return not recipe.tools or dict(tools) == dict(recipe.tools)


def _newness(tools: Mapping[str, str]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((name, _numbers(version)) for name, version in sorted(tools.items()))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
