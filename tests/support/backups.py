"""Where a farm of a test is restored to: another folder and another database of the same kind."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .services import Postgres


@contextmanager
def elsewhere(folder: Path, postgres: Postgres | None) -> Iterator[str]:
    """The URL of an empty database, in PostgreSQL where one is given."""
    if postgres is None:
        yield f"sqlite:///{folder}/farm.db"
        return
    with postgres.database() as url:
        yield url


def with_clients(postgres: Postgres | None) -> dict[str, str]:
    """An environment in which `pg_dump` is the server's own, where the run started it."""
    programs = Path(postgres.described).parent if postgres else Path("none")
    path = os.environ.get("PATH", "")
    return {**os.environ, "PATH": f"{programs}:{path}" if programs.is_absolute() else path}
