"""The one message that travels through a broker: "there may be work for you", with a build id and nothing else."""

from __future__ import annotations

import re

from .errors import Invalid

TASK = "farm.build"
QUEUE = "wakeups"
EXPIRES_S = 600

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


def prefix_of(device: str) -> str:
    """The `global_keyprefix` under which everything of this device lives in the broker.

    Raises: Invalid: the name could reach into the keys of another device (`:`) or match them (`*`).
    """
    if not _NAME.fullmatch(device):
        raise Invalid(
            f"{device!r} cannot name a device in a broker",
            "Use up to 63 letters, digits, dots, dashes and underscores, beginning with a letter or a digit",
        )
    return f"farm:{device}:"
