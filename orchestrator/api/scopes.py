"""Who may do what, besides administrators."""

from __future__ import annotations

from farm.protocol.errors import Forbidden
from farm.protocol.states import Scope
from orchestrator.services.caller import Caller

ANYBODY = frozenset(Scope)
READERS = frozenset((Scope.SUBMIT, Scope.FETCH))
SUBMITTERS = frozenset((Scope.SUBMIT,))
WORKERS = frozenset((Scope.WORKER,))
ADMINS: frozenset[Scope] = frozenset()


def check_scope(caller: Caller, scopes: frozenset[Scope], deed: str) -> None:
    """Return if the caller may do the deed, which its refusal names.

    Raises: Forbidden
    """
    if not caller.may(*scopes):
        allowed = " or ".join(sorted((*scopes, Scope.ADMIN)))
        raise Forbidden(
            f"the token {caller.name!r} has the scope {caller.scope} and may not {deed}",
            f"Use a token with the scope {allowed}.",
        )
