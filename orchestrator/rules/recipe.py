"""How a host prepares a model: which graph steps, with which versions of which tools."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from farm.protocol.errors import Invalid
from farm.protocol.keys import PreparationRecipe, StepCall

# The first two change nothing unless there is such an operator, which has no meaning elsewhere.
DEFAULT_STEPS = ("mmcv", "deformable_attention", "fold", "simplify", "infer_shapes")


def recipe_for(
    steps: Sequence[str] | None, hosts: Sequence[Mapping[str, str]], needed: Sequence[str] = ()
) -> PreparationRecipe:
    """The recipe of a preparation: the given steps or the default ones, with the tools of the newest host.

    Args:
        steps: Names in order; None for the default, empty for none.
        hosts: The tool versions of each host of the fleet; the choice does not depend on their order.
        needed: What the target cannot do without, see `mechanism`: last, whatever steps were given.

    Raises: Invalid: a step is no word, or is there twice.
    """
    named = tuple(DEFAULT_STEPS if steps is None else steps)
    for name in named:
        if not name.isidentifier():
            raise Invalid(f"{name!r} cannot be a graph step", "Give names such as fold,simplify,infer_shapes.")
    if len(set(named)) != len(named):
        raise Invalid("a graph step is there twice", "Give each step once.")
    named = (*named, *(name for name in needed if name not in named))
    tools = max((dict(host) for host in hosts), key=_newness) if hosts else {}
    return PreparationRecipe(tuple(StepCall(name) for name in named), tools)


def can_prepare(recipe: PreparationRecipe, tools: Mapping[str, str]) -> bool:
    """True when a host with these tools makes what the recipe says; a recipe made without any host takes every one."""
    return not recipe.tools or dict(tools) == dict(recipe.tools)


def _newness(tools: Mapping[str, str]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    return tuple((name, _numbers(version)) for name, version in sorted(tools.items()))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
