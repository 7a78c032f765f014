"""How reference inputs get their shapes."""

from __future__ import annotations

from farm.protocol.keys import PreparationKey, PreparationRecipe
from farm.protocol.options import with_shapes
from farm.protocol.submit import SubmitAsk


def preparation_key(ask: SubmitAsk, recipe: PreparationRecipe) -> PreparationKey:
    """The preparation of a submission: its references have the shapes that its engines are tuned for."""
    return PreparationKey(ask.manifest.digest, recipe, with_shapes(ask.reference, ask.options))
