"""Where the coordinator is and what may be asked of it: flag, then environment, then the file of `farm configure`."""

from __future__ import annotations

import json
import os
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from farm.folders import named_folders
from farm.protocol.errors import CoordinatorError, Invalid, Unauthorized

DEFAULT_PROFILE = "default"
_CONFIGURE = "Run farm configure, or set FARM_URL and FARM_TOKEN."


@dataclass(frozen=True)
class Settings:
    """Settings of a client. The token is not shown by `repr`.

    Attributes:
        url: Of the coordinator, without a trailing slash; empty when nobody said.
        source: Who said where the coordinator is: `flag`, `environment`, a path, or `nobody`.
        config_file: Where `farm configure` writes.
        cache_dir: Where reports of crashes go.
        debug: Show tracebacks (`FARM_DEBUG=1`).
        broker_url: A broker that `farm doctor` shall try (`FARM_BROKER_URL`).
        toolchain: Folders in which compilers and TensorRT's headers are looked for first (`FARM_TOOLCHAIN`, ...).
        lock_clocks: Whether `farm bench` may lock the clocks of this machine's GPU (`FARM_LOCK_CLOCKS`).
    """

    url: str
    token: str
    source: str
    config_file: Path
    cache_dir: Path
    profile: str = DEFAULT_PROFILE
    debug: bool = False
    broker_url: Optional[str] = None
    lock_clocks: str = ""
    toolchain: Tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Settings(url={self.url!r}, token={'***' if self.token else ''!r}, source={self.source!r})"

    def checked(self) -> Settings:
        """These settings, if they suffice to call a coordinator.

        Raises: CoordinatorError: the sentence says how to set what lacks.
        """
        if not self.url and self.profile != DEFAULT_PROFILE:
            raise CoordinatorError(
                f"no profile {self.profile!r} is set", f"Run farm configure --profile {self.profile}."
            )
        if not self.url:
            raise CoordinatorError("no coordinator is set", _CONFIGURE)
        if not self.token:
            raise Unauthorized(f"no token is set for {self.url}", _CONFIGURE)
        return self


def load(
    environ: Optional[Mapping[str, str]] = None,
    url: Optional[str] = None,
    token: Optional[str] = None,
    profile: Optional[str] = None,
) -> Settings:
    """The settings of this process; `environ` is the process's own unless given.

    Raises: Invalid: the file cannot be read, or the URL is not one.
    """
    environ = os.environ if environ is None else environ
    config_file = Path(environ.get("FARM_CONFIG") or _home(environ, "XDG_CONFIG_HOME", ".config") / "farm/config.toml")
    wanted = profile or environ.get("FARM_PROFILE") or DEFAULT_PROFILE
    stored = _profiles(config_file).get(wanted, {})
    if url:
        source = "flag"
    elif environ.get("FARM_URL"):
        source = "environment"
    else:
        source = str(config_file) if stored.get("url") else "nobody"
    found = url or environ.get("FARM_URL") or stored.get("url") or ""
    return Settings(
        url=check_url(found) if found else "",
        token=_token(token, environ, stored, found),
        source=source,
        config_file=config_file,
        cache_dir=_home(environ, "XDG_CACHE_HOME", ".cache") / "farm",
        profile=wanted,
        debug=environ.get("FARM_DEBUG", "") not in ("", "0"),
        broker_url=environ.get("FARM_BROKER_URL") or None,
        lock_clocks=environ.get("FARM_LOCK_CLOCKS", ""),
        toolchain=named_folders(environ),
    )


def check_url(url: str) -> str:
    """The URL of a coordinator without its trailing slash.

    Raises: Invalid
    """
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise Invalid(f"{url!r} is not the URL of a coordinator", "Write http://host:port or https://host.")
    if parts.username or parts.password:
        raise Invalid("the URL of the coordinator carries a password", "Give the token by FARM_TOKEN instead.")
    return url.rstrip("/")


def save(config_file: Path, profile: str, url: str, token: str) -> None:
    """Write one profile, keeping the others; nobody but the owner can read the file.

    Raises: Invalid: the file there cannot be read, or the new one not written.
    """
    profiles = _profiles(config_file)
    profiles[profile] = {"url": check_url(url), "token": token}
    lines = ["# Written by farm configure. The tokens are secrets."]
    for name in sorted(profiles):
        lines += ["", f"[{_quoted(name)}]"] + [
            f"{key} = {_quoted(str(value))}" for key, value in profiles[name].items()
        ]
    partial = config_file.with_name(config_file.name + ".part")
    try:
        config_file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if partial.exists():
            partial.unlink()
        descriptor = os.open(str(partial), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            stream.write("\n".join(lines) + "\n")
        os.replace(str(partial), str(config_file))
    except OSError as error:
        raise Invalid(f"cannot write {config_file}: {error.strerror}", "Set FARM_CONFIG to another path.") from error


def _token(token: Optional[str], environ: Mapping[str, str], stored: Mapping[str, str], url: str) -> str:
    if token or environ.get("FARM_TOKEN"):
        return token or environ["FARM_TOKEN"]
    # A stored token belongs to the stored coordinator: it is never sent to another one that a flag names.
    return stored.get("token", "") if url.rstrip("/") == stored.get("url", "").rstrip("/") else ""


def _home(environ: Mapping[str, str], variable: str, default: str) -> Path:
    if environ.get(variable):
        return Path(environ[variable])
    return Path(environ.get("HOME") or "~").expanduser() / default


def _profiles(config_file: Path) -> Dict[str, Dict[str, str]]:
    if not config_file.exists():
        return {}
    try:
        if stat.S_IMODE(config_file.stat().st_mode) & 0o077:
            raise Invalid(f"others can read the tokens in {config_file}", f"Run chmod 600 {config_file}.")
        data = _toml(config_file.read_text("utf-8"))
    except OSError as error:
        raise Invalid(f"cannot read {config_file}: {error.strerror}", "Mend it, or set FARM_CONFIG.") from error
    except ValueError as error:
        raise Invalid(f"{config_file} is not TOML: {error}", "Mend it, or run farm configure anew.") from error
    profiles = {}
    for name, values in data.items():
        known = isinstance(values, dict) and all(isinstance(value, str) for value in values.values())
        if not known or set(values) - {"url", "token"}:
            raise Invalid(f"{config_file}: the profile {name!r} may hold url and token only", "Mend it by hand.")
        profiles[name] = dict(values)
    return profiles


def _toml(text: str) -> Dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(text)


def _quoted(text: str) -> str:
    # A JSON string is a TOML basic string, as long as nothing is written as a pair of surrogates.
    return json.dumps(text, ensure_ascii=False)
