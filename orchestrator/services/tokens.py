"""Tokens: made, listed, revoked, and checked at every request."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections import OrderedDict

from farm.protocol.errors import Conflict, Invalid, NotFound, Unauthorized
from farm.protocol.model import check_name
from farm.protocol.plugins import DEFAULT_TRUST_GROUP
from farm.protocol.states import Scope
from farm.protocol.views import NewToken, TokenView
from orchestrator.store import tokens as rows
from orchestrator.store.tokens import TokenRow

from .caller import Caller
from .clock import iso, iso_or_none
from .context import Context
from .ids import new_id

REVOKED = "revoked"
"""The topic of "a token may have become invalid"."""

_PREFIX = "farm_"
_LONGEST_SECRET = 256
_REMEMBERED = 1024


def create(
    context: Context,
    name: str,
    scope: Scope,
    device: str | None = None,
    targets: tuple[str, ...] = (),
    expires_s: float | None = None,
    trust_group: str = DEFAULT_TRUST_GROUP,
) -> NewToken:
    """A new token of 256 random bits; only its digest is stored.

    Raises: Invalid
    """
    check_name(name, "token")
    if (device or targets or trust_group != DEFAULT_TRUST_GROUP) and scope is not Scope.WORKER:
        raise Invalid(f"a token with the scope {scope} has no device, no targets and no trust group", "Leave them out.")
    check_name(trust_group, "trust group")
    if device:
        check_name(device, "device")
    if expires_s is not None and not 0 < expires_s <= 1e9:
        raise Invalid("expires_s must be a number of seconds from now", "Leave it out for a token without an end.")
    secret = _PREFIX + secrets.token_urlsafe(32)
    with context.transaction() as transaction:
        row = TokenRow(
            id=new_id("tok"),
            name=name,
            scope=scope,
            secret_hash=_hash(secret),
            created_at=transaction.at,
            device=device,
            targets=targets,
            expires_at=None if expires_s is None else transaction.at + expires_s,
            trust_group=trust_group,
        )
        rows.add(transaction.connection, row)
    return NewToken(view(row), secret)


def every(context: Context) -> tuple[TokenView, ...]:
    """Every token, newest first, revoked ones too."""
    with context.database.read() as connection:
        return tuple(view(row) for row in rows.every(connection))


def own(context: Context, caller: Caller) -> TokenView:
    """The caller's own token."""
    with context.database.read() as connection:
        row = rows.by_id(connection, caller.token_id)
    if row is None:
        raise NotFound("this token is no more")
    return view(row)


def has_admin(context: Context) -> bool:
    """True while an administrator's token can be used."""
    with context.database.read() as connection:
        return rows.any_valid(connection, Scope.ADMIN, context.clock())


def view(row: TokenRow) -> TokenView:
    """A token as people see it."""
    return TokenView(
        id=row.id,
        name=row.name,
        scope=row.scope,
        created_at=iso(row.created_at),
        expires_at=iso_or_none(row.expires_at),
        revoked_at=iso_or_none(row.revoked_at),
        device=row.device,
        targets=row.targets,
        trust_group=row.trust_group,
    )


class Tokens:
    """Checks secrets, remembering those that were right. Revoke here: then it counts at once.

    One process serves, so that what it remembers cannot be outdated by another one.
    """

    def __init__(self, context: Context) -> None:
        self._context = context
        self._known: OrderedDict[str, TokenRow] = OrderedDict()
        self._lock = threading.Lock()

    def known(self, secret: str) -> Caller | None:
        """The holder, where this secret was right before; never waits."""
        with self._lock:
            row = self._known.get(_hash(secret))
        return self._checked(row) if row else None

    def identify(self, secret: str) -> Caller:
        """Who holds this secret.

        Raises: Unauthorized: says why; never the secret.
        """
        digest = _hash(secret)
        with self._lock:  # held while it is looked up: a revocation in between would not be noticed
            with self._context.database.read() as connection:
                row = rows.by_hash(connection, digest)
            if row is None:
                raise Unauthorized("the token is unknown", "Ask an administrator for a new one.")
            caller = self._checked(row)
            self._known[digest] = row
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return caller

    def forget(self, token_id: str) -> None:
        """Look this token up again at its next use."""
        with self._lock:
            self._known = OrderedDict((key, row) for key, row in self._known.items() if row.id != token_id)
        self._context.signals.changed(REVOKED)

    def revoke(self, token_id: str, by: Caller) -> None:
        """Make a token invalid at once.

        Raises: NotFound. Conflict: it is the last one of an administrator.
        """
        with self._context.transaction() as transaction:
            row = rows.by_id(transaction.connection, token_id)
            if row is None:
                raise NotFound(f"there is no token {token_id}", "Run farm token list.")
            rows.revoke(transaction.connection, token_id, transaction.at)
            if row.scope is Scope.ADMIN and not rows.any_valid(transaction.connection, Scope.ADMIN, transaction.at):
                raise Conflict("this is the last valid token of an administrator", "Make another one first.")
        self.forget(token_id)

    def revoke_tied(self, device: str) -> None:
        """Make every token of a device invalid at once."""
        with self._context.transaction() as transaction:
            tied = rows.tied_to(transaction.connection, device)
            for row in tied:
                rows.revoke(transaction.connection, row.id, transaction.at)
        for row in tied:
            self.forget(row.id)

    def _checked(self, row: TokenRow) -> Caller:
        if row.revoked_at is not None:
            raise Unauthorized(f"the token {row.name!r} ({row.id}) was revoked", "Ask an administrator for a new one.")
        if row.expires_at is not None and row.expires_at <= self._context.clock():
            raise Unauthorized(f"the token {row.name!r} ({row.id}) has expired", "Ask an administrator for a new one.")
        return Caller(row.id, row.name, row.scope, row.device, row.targets, row.trust_group)


def _hash(secret: str) -> str:
    return hashlib.sha256(secret[:_LONGEST_SECRET].encode(errors="replace")).hexdigest()
