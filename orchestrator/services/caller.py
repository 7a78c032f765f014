"""Who asks: what the services know of a caller once the token has been checked."""

from __future__ import annotations

from dataclasses import dataclass

from farm.protocol.plugins import DEFAULT_TRUST_GROUP
from farm.protocol.states import Scope


@dataclass(frozen=True)
class Caller:
    """The holder of a valid token.

    Attributes:
        name: What people call the token.
        device: Name of the device the token is tied to; None before its first enrolment, and for people.
        targets: Words it may enrol for; empty means all.
        trust_group: That its device may be in.
    """

    token_id: str
    name: str
    scope: Scope
    device: str | None = None
    targets: tuple[str, ...] = ()
    trust_group: str = DEFAULT_TRUST_GROUP

    def may(self, *scopes: Scope) -> bool:
        """True for an administrator, and for a caller with one of these scopes."""
        return self.scope is Scope.ADMIN or self.scope in scopes
