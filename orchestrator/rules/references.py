"""How reference inputs get their shapes."""

from __future__ import annotations

from dataclasses import replace

from farm.protocol.keys import PreparationKey, PreparationRecipe
from farm.protocol.options import BuildOptions, ReferencePolicy
from farm.protocol.submit import SubmitAsk


def preparation_key(ask: SubmitAsk, recipe: PreparationRecipe) -> PreparationKey:
    """The preparation of a submission: its references have the shapes that its engines are tuned for."""
    return PreparationKey(ask.manifest.digest, recipe, with_shapes(ask.reference, ask.options))


def with_shapes(policy: ReferencePolicy, options: BuildOptions) -> ReferencePolicy:
    """The policy with a shape for each input of the first profile; what the policy says itself stays."""
    if not options.profiles:
        return policy
    tuned = {name: shapes.optimum for name, shapes in options.profiles[0].items()}
    return replace(policy, shapes={**tuned, **policy.shapes})
