"""Scaled dot-product attention: weighted means of values, a weight for each key."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Array = Any


# Scores that are in memory at once: what a processor's cache holds, and not all of a large image.
_SCORES = 1 << 18


def reference(inputs: Sequence[Array], attributes: Mapping[str, Any]) -> list[Array]:
    """[output] for [query, key, value]."""
    heads, channels = attributes["num_heads"], attributes["head_size"]
    offsets = attributes.get("offsets", (0, 0, 0))
    rows_first = bool(attributes.get("sequence_first", 0))
    query, key, value = (_heads(array, offset, heads, channels, rows_first) for array, offset in zip(inputs, offsets))
    mixed = np.zeros(query.shape, query.dtype)
    for image, head in np.ndindex(mixed.shape[:2]):
        scaled = query[image, head] * query.dtype.type(attributes["scale"])
        _attend(scaled, key[image, head], value[image, head], mixed[image, head])
    made = mixed.transpose((2, 0, 1, 3) if rows_first else (0, 2, 1, 3))
    return [made.reshape(*made.shape[:2], heads * channels).astype(inputs[0].dtype)]


def _heads(array: Array, offset: int, heads: int, channels: int, rows_first: bool) -> Array:
    """[N, heads, rows, channels] in float32 or more."""
    part = array[..., offset : offset + heads * channels]
    part = part.reshape(*array.shape[:2], heads, channels).transpose((1, 2, 0, 3) if rows_first else (0, 2, 1, 3))
    return np.ascontiguousarray(part, np.result_type(array.dtype, np.float32))


def _attend(query: Array, key: Array, value: Array, output: Array) -> None:
    """Fill the rows of one head, some at a time; without keys they stay zero."""
    if not len(key):
        return
    count = max(1, _SCORES // len(key))
    for first in range(0, len(query), count):
        shares = query[first : first + count] @ key.T
        shares -= shares.max(axis=-1, keepdims=True)
        np.exp(shares, out=shares)
        output[first : first + count] = shares @ value / shares.sum(axis=-1, keepdims=True)
