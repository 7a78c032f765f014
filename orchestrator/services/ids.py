"""Ids that say what they name and cannot be guessed."""

from __future__ import annotations

import secrets
from typing import Literal

Kind = Literal["sub", "req", "bld", "prp", "att", "eng", "dev", "tok", "ver", "ben", "cmp"]

# No letter or digit that is read as another one.
_ALPHABET = "23456789abcdefghjkmnpqrstuvwxyz"
_LENGTH = 14


def new_id(kind: Kind) -> str:
    """A new id such as `bld-7k2m…`: 69 random bits, safe in a path, a shell and a broker's key."""
    return f"{kind}-{''.join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))}"
