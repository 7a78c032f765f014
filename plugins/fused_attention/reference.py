"""Scaled dot-product attention: weighted means of values, a weight for each key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = Any


def reference(inputs: Sequence[Array], attributes: Mapping[str, Any]) -> list[Array]:
    """[output] for [query, key, value]."""
    heads, channels = attributes["num_heads"], attributes["head_size"]
    offsets = attributes.get("offsets", (0, 0, 0))
    rows_first = bool(attributes.get("sequence_first", 0))
    query, key, value = (
        _heads(array, offset, heads, channels, rows_first) for array, offset in zip(inputs, offsets, strict=True)
    )
    mixed = _shares(query @ key.swapaxes(2, 3) * attributes["scale"]) @ value
    made = mixed.transpose((2, 0, 1, 3) if rows_first else (0, 2, 1, 3))
    return [made.reshape(*made.shape[:2], heads * channels).astype(inputs[0].dtype)]


def _heads(array: Array, offset: int, heads: int, channels: int, rows_first: bool) -> Array:
    """[N, heads, rows, channels] in float32 or more."""
    part = array[..., offset : offset + heads * channels]
    part = part.reshape(*array.shape[:2], heads, channels).transpose((1, 2, 0, 3) if rows_first else (0, 2, 1, 3))
    return part.astype(np.result_type(array.dtype, np.float32))


def _shares(scores: Array) -> Array:
    """The softmax of the last axis, which may be empty."""
    raised = np.exp(scores - scores.max(axis=-1, keepdims=True, initial=-np.inf)) if scores.shape[-1] else scores
    return raised / raised.sum(axis=-1, keepdims=True) if scores.shape[-1] else raised
