"""Which version of farm each side of a call is, and what to say where one does not understand the other."""

from __future__ import annotations

import re

VERSION_HEADER = "Farm-Version"

_VERSION = re.compile(r"[0-9][0-9A-Za-z.+!-]{0,39}")


def version_hint(client: str, coordinator: str) -> str:
    """The next step for two sides of different versions; empty where they are of one, or where one did not say."""
    differ = client != coordinator and _VERSION.fullmatch(client) and _VERSION.fullmatch(coordinator)
    if not differ:
        return ""
    return (
        f"The client is farm {client} and the coordinator is farm {coordinator}: "
        f"install {coordinator} at the client, or {client} at the coordinator."
    )
