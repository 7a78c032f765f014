"""What all tables share."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, MetaData, String

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Ids are short, random, unguessable and say what they name: sub-…, req-…, bld-…, prp-…, att-…, eng-…, dev-…, tok-….
ID = String(32)
DIGEST = String(64)
NAME = String(128)
STATE = String(16)
# SQLite counts only in INTEGER PRIMARY KEY, PostgreSQL in BIGINT.
SERIAL = BigInteger().with_variant(Integer(), "sqlite")
