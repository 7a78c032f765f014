"""Who may speak to the broker: one secret in the farm's folder, and a password for each name made from it."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

COORDINATOR = "coordinator"


class Credentials:
    """Passwords that need no storage: the same for the same name and folder, unrelated for any other name."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._secret = _read_or_make(path)

    def password_of(self, name: str) -> str:
        """The password of a device, or of the coordinator itself."""
        return hmac.new(self._secret, name.encode(), hashlib.sha256).hexdigest()

    def hash_of(self, name: str) -> str:
        """What the broker is told in the password's place."""
        return hashlib.sha256(self.password_of(name).encode()).hexdigest()


def url_with(url: str, user: str, password: str) -> str:
    """The same broker, spoken to as somebody else."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(user, safe='')}:{quote(password, safe='')}@{address}"))


def _read_or_make(path: Path) -> bytes:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(descriptor, "wb") as file:
        secret = secrets.token_bytes(32)
        file.write(secret)
        file.flush()
        os.fsync(descriptor)
    return secret
