"""Keys, readable: what an engine is named by, field by field."""

from __future__ import annotations

import re

from farm.protocol.errors import NotFound
from farm.protocol.views import KeyView
from orchestrator.store import keys

from .context import Context

_DIGEST = re.compile(r"[0-9a-f]{6,64}")
_BY_KIND = {"eng": keys.of_engine, "bld": keys.of_build, "req": keys.of_request}


def show(context: Context, what: str) -> KeyView:
    """The key of an engine, a build or a request, of a name's newest build, or a key by the beginning of its digest.

    Raises: NotFound
    """
    with context.database.read() as connection:
        by_id = _BY_KIND.get(what[:3]) if what[3:4] == "-" else None
        found = by_id(connection, what) if by_id else None
        if found is None and _DIGEST.fullmatch(what):
            found = keys.of_digest(connection, what)
        found = found or keys.of_name(connection, what)
    if found is None:
        raise NotFound(
            f"no engine, build, request, model or key is {what[:80]!r}", "Run farm engines list or farm list."
        )
    return KeyView(found.key.digest, found.key, found.source, found.requirement)
