"""Names that a coordinator has stored, for a shell that completes: asked for a moment, and nothing where it is away."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Tuple

import click
from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    from .settings import Settings

Completer = Callable[[click.Context, click.Parameter, str], List[CompletionItem]]

# For all of it: whoever presses a key does not wait longer.
_PATIENCE_S = 0.45
_MOST = 200


class Source(NamedTuple):
    """Where names come from: a list of the coordinator, the fields that are names, and those that explain one."""

    path: str
    field: str
    names: Tuple[str, ...]
    help: Tuple[str, ...] = ()


MODELS = Source("/models", "models", ("name",))
CAMPAIGNS = Source(f"/campaigns?limit={_MOST}", "campaigns", ("id",), ("backend", "version", "state"))
ENGINES = Source(f"/engines?limit={_MOST}", "engines", ("id",), ("model_name", "label", "precision"))
DEVICES = Source("/devices", "devices", ("name",), ("state",))
PLUGINS = Source("/plugins", "plugins", ("name",), ("purpose",))
SUBMISSIONS = Source(f"/submissions?limit={_MOST}", "submissions", ("id",), ("name", "state"))
TARGETS = Source("/targets", "targets", ("name", "aliases"), ("description",))
TIMING_CACHES = Source("/timing-caches", "timing_caches", ("id",), ("label",))
TOKENS = Source("/tokens", "tokens", ("id",), ("name", "scope"))


def stored(*sources: Source, listed: bool = False) -> Completer:
    """A completer of stored names; of the last word where they are `listed` with commas."""

    def complete(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> List[CompletionItem]:
        before, comma, last = incomplete.rpartition(",") if listed else ("", "", incomplete)
        found: Dict[str, str] = {}
        for source in sources:
            for item in _asked(ctx, source):
                told = " ".join(str(item[name]) for name in source.help if item.get(name))
                found.update((name, told) for name in _names(item, source) if name.startswith(last))
        return [CompletionItem(f"{before}{comma}{name}", help=told or None) for name, told in found.items()]

    return complete


def _names(item: Dict[str, Any], source: Source) -> List[str]:
    found: List[str] = []
    for field in source.names:
        value = item.get(field) or ()
        found += [value] if isinstance(value, str) else value
    return found


def _asked(ctx: click.Context, source: Source) -> List[Dict[str, Any]]:
    """The list of the coordinator; empty where none is set, or none answers in time."""
    from threading import Thread

    answered: List[Dict[str, Any]] = []
    # A name server may take longer than any time-out of a socket.
    thread = Thread(target=lambda: answered.extend(_answer(ctx, source)), daemon=True)
    thread.start()
    thread.join(_PATIENCE_S)
    return list(answered)


def _answer(ctx: click.Context, source: Source) -> List[Dict[str, Any]]:
    import json

    from farm.protocol.errors import FarmError

    try:
        told = json.loads(_get(_settings(ctx), source.path))
        return [item for item in told[source.field] if isinstance(item, dict)]
    except (FarmError, OSError, ValueError, KeyError, TypeError):
        return []  # a shell that completes has nowhere to say why


def _settings(ctx: click.Context) -> Settings:
    from .context import Connection

    told = ctx.find_object(Connection) or Connection()
    root = ctx.find_root().params
    flags = {name: getattr(told, name) or root.get(name) for name in ("url", "token", "profile")}
    return Connection(**flags).settings().checked()


def _get(settings: Settings, path: str) -> bytes:
    """What a GET of the API answers. Not by httpx, whose import alone takes as long as a key press may.

    Raises: OSError, ValueError: nobody answers, or not with what was asked for.
    """
    from http.client import HTTPConnection, HTTPException, HTTPSConnection
    from urllib.parse import urlsplit

    url = urlsplit(settings.url)
    kind = HTTPSConnection if url.scheme == "https" else HTTPConnection
    connection = kind(url.hostname or "", url.port, timeout=_PATIENCE_S)
    try:
        connection.request("GET", f"{url.path}/api/v1{path}", headers={"Authorization": f"Bearer {settings.token}"})
        answer = connection.getresponse()
        if answer.status != 200:
            raise ValueError(answer.reason)
        return answer.read()
    except HTTPException as error:
        raise ValueError(str(error)) from error
    finally:
        connection.close()
