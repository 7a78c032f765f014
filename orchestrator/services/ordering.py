"""What a submission orders: its target words become targets, each with the key of its engine."""

from __future__ import annotations

from collections.abc import Sequence

from farm.protocol.codec import digest
from farm.protocol.keys import PreparationRecipe
from farm.protocol.submit import SubmitAsk
from orchestrator.rules.mechanism import mechanism
from orchestrator.rules.recipe import recipe_for
from orchestrator.rules.targets import Resolved, resolve
from orchestrator.store import offers, plugins
from orchestrator.store.database import Connection

from .context import Context
from .inputs import check_known_inputs
from .orders import Order, order
from .plugin_choice import Choice, choice_of_words
from .timing_caches import word_for


def orders_of(
    context: Context, connection: Connection, ask: SubmitAsk, at: float
) -> tuple[tuple[Resolved, Order], ...]:
    """The targets that the words of a submission mean, each with its order.

    Raises:
        Invalid: A filter or a step cannot be read, or the model is known to have no such inputs.
        NotFound: A plugin is unknown.
        TargetUnavailable: A word is unknown or ambiguous, matches no device, or no host has ever enrolled.
    """
    return orders_for(
        context, connection, ask, resolve(ask.targets, offers.words(connection), offers.offers(connection)), at
    )


def orders_for(
    context: Context, connection: Connection, ask: SubmitAsk, found: Sequence[Resolved], at: float
) -> tuple[tuple[Resolved, Order], ...]:
    """The same for targets that are known already, whatever the words of the submission are.

    Raises: Invalid, NotFound, TargetUnavailable: as `orders_of`.
    """
    check_known_inputs(connection, ask)
    choice = choice_of_words(connection, ask.plugins)
    if ask.model is None:
        recipes = [PreparationRecipe(()) for _ in found]
    else:
        tools = offers.host_tools(connection, at - context.policy.gone_s)
        recipes = [recipe_for(ask.steps, tools, mechanism(item.target, ask.options).steps) for item in found]
    known = _operators(connection, ask, recipes)
    return tuple(
        (item, _order(connection, ask, item, recipe, choice, known[digest(recipe)]))
        for item, recipe in zip(found, recipes, strict=True)
    )


def _operators(
    connection: Connection, ask: SubmitAsk, recipes: Sequence[PreparationRecipe]
) -> dict[str, tuple[str, ...] | None]:
    """What of the graph that each recipe makes takes a plugin, by the digests of the recipes."""
    distinct = {digest(recipe): recipe for recipe in recipes}
    if ask.model is None:
        return dict.fromkeys(distinct, ())
    model = ask.model.digest
    return {named: plugins.operators_of(connection, model, recipe) for named, recipe in distinct.items()}


def _order(
    connection: Connection,
    ask: SubmitAsk,
    resolved: Resolved,
    recipe: PreparationRecipe,
    choice: Choice,
    operators: tuple[str, ...] | None,
) -> Order:
    target = resolved.target
    chosen = choice.choose(target, operators)
    word, problem = word_for(connection, ask.timing_cache, target) if ask.model else ("none", "")
    problems = tuple(filter(None, (*chosen.problems, problem)))
    return order(ask, recipe, target, chosen.plugins, word, problems, operators)
