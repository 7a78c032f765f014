"""Settings of the coordinator: from a mapping such as the process's environment, changed by flags, then fixed."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from farm.protocol.errors import Invalid

# Of the client, the worker and the tests, whose settings modules read them.
_OF_OTHERS = (
    "FARM_URL",
    "FARM_TOKEN",
    "FARM_CONFIG",
    "FARM_PROFILE",
    "FARM_DEBUG",
    "FARM_WORKER_",
    "FARM_TEST_",
    "FARM_FAILPOINTS",
)


@dataclass(frozen=True)
class Settings:
    """What one coordinator runs with. `repr` shows no password.

    Attributes:
        data: Folder of blobs, logs, the embedded database and the embedded broker.
        database_url: SQLAlchemy URL of PostgreSQL or SQLite.
        broker_url: A Redis or Valkey, `none`, or None for one of the farm's own.
        broker_worker_url: The same broker as workers reach it, where that differs.
        broker_users: Make a user for each device in the configured broker.
        host: Address to listen on.
        port: 0 is any free one.
        lease_ttl_s: A worker that is silent for so long loses its work.
        heartbeat_s: How often devices tell that they live.
        poll_s: How often an idle worker claims without being woken, where there is a broker.
        reserve_bytes: Room on the disk of the blobs that uploads never take.
        unknown: Variables that look like ours and are not; told at start.
    """

    data: Path
    database_url: str
    broker_url: str | None = None
    broker_worker_url: str | None = None
    broker_users: bool = False
    host: str = "127.0.0.1"
    port: int = 8300
    lease_ttl_s: float = 30.0
    heartbeat_s: float = 10.0
    poll_s: float = 30.0
    reserve_bytes: int = 256 << 20
    unknown: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Settings(data={str(self.data)!r}, host={self.host!r}, port={self.port})"

    @property
    def admin_token_file(self) -> Path:
        """Where the first start writes its administrator's token."""
        return self.data / "admin.token"


def from_env(
    environ: Mapping[str, str], *, data: Path | None = None, host: str | None = None, port: int | None = None
) -> Settings:
    """The settings that an environment and the flags of a command describe; flags win.

    Raises: Invalid: names the variable and its value.
    """
    read = _Reader(environ)
    folder = (data or Path(read.text("FARM_DATA") or _default_data(environ))).expanduser().absolute()
    settings = Settings(
        data=folder,
        database_url=read.text("FARM_DATABASE_URL") or f"sqlite:///{folder}/farm.db",
        broker_url=read.text("FARM_BROKER_URL"),
        broker_worker_url=read.text("FARM_BROKER_WORKER_URL"),
        broker_users=read.switch("FARM_BROKER_ACL"),
        host=host or read.text("FARM_HOST") or Settings.host,
        port=int(read.number("FARM_PORT", Settings.port, 0, 65535)) if port is None else port,
        lease_ttl_s=read.number("FARM_LEASE_TTL_S", Settings.lease_ttl_s, 0.5, 3600.0),
        heartbeat_s=read.number("FARM_HEARTBEAT_S", Settings.heartbeat_s, 0.1, 600.0),
        poll_s=read.number("FARM_POLL_S", Settings.poll_s, 0.1, 3600.0),
        reserve_bytes=int(read.number("FARM_RESERVE_BYTES", Settings.reserve_bytes, 0, 2**60)),
        unknown=read.unknown(),
    )
    if settings.database_url.split(":", 1)[0] not in ("sqlite", "postgresql+psycopg"):
        # Not the URL itself, which may hold a password.
        raise Invalid("FARM_DATABASE_URL names no database of the farm", "Give postgresql+psycopg://… or sqlite:///…")
    return settings


class _Reader:
    """Reads variables and remembers which, so that the rest can be told."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self._read: set[str] = set()

    def text(self, name: str) -> str | None:
        self._read.add(name)
        return self._environ.get(name) or None

    def number(self, name: str, default: float, least: float, most: float) -> float:
        told = self.text(name)
        try:
            value = default if told is None else float(told)
        except ValueError:
            value = math.nan
        if not least <= value <= most:
            raise Invalid(f"{name}={told} is not a number from {least:g} to {most:g}", f"Set {name} anew or unset it.")
        return value

    def switch(self, name: str) -> bool:
        told = (self.text(name) or "0").lower()
        if told not in ("0", "1", "true", "false"):
            raise Invalid(f"{name}={told} is neither 1 nor 0", f"Set {name} anew or unset it.")
        return told in ("1", "true")

    def unknown(self) -> tuple[str, ...]:
        ours = (name for name in self._environ if name.startswith("FARM_") and name not in self._read)
        return tuple(sorted(name for name in ours if not name.startswith(_OF_OTHERS)))


def _default_data(environ: Mapping[str, str]) -> Path:
    home = environ.get("XDG_DATA_HOME") or Path(environ.get("HOME") or "~") / ".local" / "share"
    return Path(home) / "farm"


def from_process(*, data: Path | None = None, host: str | None = None, port: int | None = None) -> Settings:
    """The settings of this process, see `from_env`."""
    return from_env(os.environ, data=data, host=host, port=port)


def inherited() -> dict[str, str]:
    """What child processes inherit."""
    return dict(os.environ)
