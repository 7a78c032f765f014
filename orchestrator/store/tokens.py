"""Rows of tokens. The secret itself is never here, only its sha256."""

from __future__ import annotations

import json
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, insert, or_, select, update

from farm.protocol.plugins import DEFAULT_TRUST_GROUP
from farm.protocol.states import Scope

from .tables import token


@dataclass(frozen=True)
class TokenRow:
    """One token. Times are seconds since the epoch."""

    id: str
    name: str
    scope: Scope
    secret_hash: str
    created_at: float
    device: str | None = None
    targets: tuple[str, ...] = ()
    expires_at: float | None = None
    revoked_at: float | None = None
    trust_group: str = DEFAULT_TRUST_GROUP


def add(connection: Connection, row: TokenRow) -> None:
    """Store a new token."""
    connection.execute(insert(token).values(**{**row.__dict__, "targets": json.dumps(row.targets)}))


def by_hash(connection: Connection, secret_hash: str) -> TokenRow | None:
    """The token whose secret has this digest, valid or not."""
    row = connection.execute(select(token).where(token.c.secret_hash == secret_hash)).mappings().first()
    return _row(row) if row else None


def by_id(connection: Connection, token_id: str) -> TokenRow | None:
    """The token of this id, valid or not."""
    row = connection.execute(select(token).where(token.c.id == token_id)).mappings().first()
    return _row(row) if row else None


def every(connection: Connection) -> tuple[TokenRow, ...]:
    """Every token, newest first."""
    rows = connection.execute(select(token).order_by(token.c.created_at.desc(), token.c.id)).mappings()
    return tuple(_row(row) for row in rows)


def any_valid(connection: Connection, scope: Scope, now: float) -> bool:
    """True while a token of this scope can be used."""
    alive = (token.c.scope == scope) & token.c.revoked_at.is_(None)
    found = select(token.c.id).where(alive, or_(token.c.expires_at.is_(None), token.c.expires_at > now))
    return connection.execute(found.limit(1)).first() is not None


def revoke(connection: Connection, token_id: str, now: float) -> None:
    """Make a token invalid; one that is stays as it is."""
    connection.execute(update(token).where(token.c.id == token_id, token.c.revoked_at.is_(None)).values(revoked_at=now))


def tie(connection: Connection, token_id: str, device: str) -> None:
    """Tie a token to a device."""
    connection.execute(update(token).where(token.c.id == token_id).values(device=device))


def tied_to(connection: Connection, device: str) -> tuple[TokenRow, ...]:
    """The tokens that are tied to a device."""
    rows = connection.execute(select(token).where(token.c.device == device)).mappings()
    return tuple(_row(row) for row in rows)


def _row(row: RowMapping) -> TokenRow:
    return TokenRow(
        **{**row, "scope": Scope(row["scope"]), "targets": tuple(json.loads(row["targets"]))},
    )
