"""The coordinator seen from here: reachable, token good, clocks agree, broker answers."""

from __future__ import annotations

import email.utils
import importlib
import time
from typing import TYPE_CHECKING, Any, Callable, Iterator, Optional

from farm import __version__
from farm.protocol.errors import error_from_json
from farm.protocol.version import VERSION_HEADER, version_hint

from ..machine import Machine
from .check import Check, fail, ok, warn

if TYPE_CHECKING:
    import httpx

_TIMEOUT_S = 5.0
# The Date header has whole seconds, and the answer took its time.
_DRIFT_S, _LYING_S = 5.0, 300.0


def check_coordinator(url: str, token: Optional[str], now: Callable[[], float] = time.time) -> Iterator[Check]:
    """Everything that needs the coordinator; one check alone where it cannot be reached."""
    import httpx

    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with httpx.Client(base_url=url, headers=headers, timeout=_TIMEOUT_S) as client:
            ready = client.get("/readyz")
            received_at = now()
            who = client.get("/api/v1/whoami") if token else None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        yield fail("coordinator", f"{url} cannot be reached: {error}", "Check FARM_URL, the network and the firewall.")
        return
    yield _readiness(url, ready)
    yield _token(who)
    yield clock(ready.headers.get("Date"), received_at)


def no_coordinator() -> Iterator[Check]:
    """The same where nobody said where it is."""
    yield warn("coordinator", "none is set", "Run farm configure, or set FARM_URL and FARM_TOKEN.")
    yield warn("clock", "not checked: it is held against the coordinator's", "Set the coordinator first.")


def clock(date: Optional[str], received_at: float) -> Check:
    """How far this machine's clock is from the coordinator's, whose alone counts."""
    told = email.utils.parsedate_tz(date) if date else None
    if told is None:
        return warn("clock", "the coordinator does not tell its time", "Check that no proxy removes the Date header.")
    offset_s = received_at - email.utils.mktime_tz(told)
    found = f"{abs(offset_s):.0f} s {'ahead of' if offset_s > 0 else 'behind'} the coordinator"
    if abs(offset_s) > _LYING_S:
        return fail("clock", found, "Switch time synchronisation on: certificates fail and logs mislead.")
    if abs(offset_s) > _DRIFT_S:
        return warn("clock", found, "Switch time synchronisation on; leases do not depend on it, logs do.")
    return ok("clock", "agrees with the coordinator")


def check_broker(machine: Machine, url: Optional[str]) -> Check:
    """The broker that would wake this machine; builds run without it, by polling."""
    if not url:
        return ok("broker", "none set here: the coordinator names it at enrolment, or workers poll")
    if not machine.module("redis"):
        return warn("broker", "not checked: the redis package is missing", "Install the worker extra.")
    redis: Any = importlib.import_module("redis")
    try:
        with redis.Redis.from_url(url, socket_timeout=_TIMEOUT_S, socket_connect_timeout=_TIMEOUT_S) as client:
            client.ping()
    except (redis.RedisError, ValueError) as error:
        # A message of the client library never holds the password, but the URL does.
        return fail("broker", f"does not answer: {error}", "Start it, or check its address, user and password.")
    return ok("broker", "answers")


def _readiness(url: str, answer: httpx.Response) -> Check:
    if answer.status_code == 200:
        hint = version_hint(__version__, answer.headers.get(VERSION_HEADER, ""))
        return warn("coordinator", f"{url} is ready", hint) if hint else ok("coordinator", f"{url} is ready")
    told = _error(answer)
    return fail("coordinator", f"{url} answers {answer.status_code}: {told}", "See its log; a part it needs is down.")


def _token(answer: Optional[httpx.Response]) -> Check:
    if answer is None:
        return warn("token", "none", "Run farm configure, or set FARM_TOKEN.")
    if answer.status_code == 200:
        told = answer.json()
        return ok("token", f"{told.get('name')} ({told.get('scope')})")
    return fail("token", f"refused: {_error(answer)}", "Ask an administrator: farm token create.")


def _error(answer: httpx.Response) -> str:
    try:
        return error_from_json(answer.json()).message
    except ValueError:
        return answer.reason_phrase or "not an answer of the farm"
