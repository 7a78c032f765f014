"""Which broker a coordinator uses."""

from __future__ import annotations

import logging
from pathlib import Path
from urllib.parse import urlsplit

from farm.protocol.errors import Invalid, Unavailable
from orchestrator.services.wakeup_port import Wakeups

from .no_wakeups import NoWakeups

NONE = "none"

log = logging.getLogger("farm.queue")


def choose(url: str | None, folder: Path, *, own_users: bool = False, worker_url: str | None = None) -> Wakeups:
    """The configured broker, else a Valkey of the farm's own, else none: then workers poll.

    Args:
        url: `FARM_BROKER_URL`: a Redis or Valkey, or `none`.
        folder: Where the farm keeps its broker's files and the secret behind the devices' passwords.
        own_users: `FARM_BROKER_ACL`: make a user for each device in the configured broker. The farm's own always does.
        worker_url: The configured broker as workers reach it, where that differs.

    Raises: Invalid: the URL is not one of a Redis or Valkey.
    """
    if url == NONE:
        return NoWakeups()
    if url:
        return _configured(_checked(url), folder, own_users, _checked(worker_url) if worker_url else None)
    return _embedded(folder)


def _configured(url: str, folder: Path, own_users: bool, worker_url: str | None) -> Wakeups:
    from .acl import DeviceAccounts
    from .celery_wakeups import CeleryWakeups
    from .credentials import Credentials

    accounts = DeviceAccounts(Credentials(folder / "secret")) if own_users else None
    return CeleryWakeups(url, worker_url, accounts)


def _embedded(folder: Path) -> Wakeups:
    from .acl import DeviceAccounts
    from .celery_wakeups import CeleryWakeups
    from .credentials import Credentials
    from .valkey import EmbeddedValkey

    credentials = Credentials(folder / "secret")
    try:
        server = EmbeddedValkey(folder, credentials)
        server.start()
    except Unavailable as error:
        log.warning("workers will poll: %s", error)
        return NoWakeups()
    return CeleryWakeups(server.url, accounts=DeviceAccounts(credentials), stop=server.close)


def _checked(url: str) -> str:
    parts = urlsplit(url)
    database = parts.path.strip("/")
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not (database.isdigit() or not database):
        # Not the URL itself, which may hold a password.
        raise Invalid(
            f"a broker URL of the kind {parts.scheme or 'nothing'!r} cannot be used",
            "Give redis://[user:password@]host[:port][/number], rediss:// for TLS, or `none`",
        )
    return url
