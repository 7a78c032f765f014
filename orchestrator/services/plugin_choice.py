"""Which plugins an order takes: those its submission names, and those found by the operators of its prepared graph."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from farm.protocol.errors import Conflict, Invalid, NotFound
from farm.protocol.model import check_digest
from farm.protocol.plugins import check_plugin_name
from farm.protocol.target import BuildTarget
from orchestrator.rules.plugins import Chosen, Known, choose
from orchestrator.store import plugins
from orchestrator.store.database import Connection
from orchestrator.store.plugins import PluginRow, SourceRow

from .transaction import Transaction

_MOST = 64


@dataclass(frozen=True)
class Choice:
    """What there is to choose from.

    Attributes:
        named: What a submission names, or a key has already.
        known: All plugins of the farm.
    """

    named: tuple[Known, ...]
    known: tuple[Known, ...]

    def choose(self, target: BuildTarget, operators: tuple[str, ...] | None) -> Chosen:
        """The plugins for a target; `operators` is None until a host has prepared the graph."""
        return choose(target, operators, self.named, self.known)


def choice_of_words(connection: Connection, words: tuple[str, ...]) -> Choice:
    """What there is for a submission that names plugins by these words.

    Raises: Invalid: a word cannot be read, or two name one plugin. NotFound: there is no such plugin, or source of it.
    """
    if len(words) > _MOST:
        raise Invalid(f"{len(words)} plugins are too many", f"Name at most {_MOST}.")
    named = tuple(_named(connection, word) for word in words)
    if len({item.name for item in named}) != len(named):
        raise Invalid("a plugin is named twice", "Name each once.")
    return Choice(named, _every(connection))


def keep_sources(transaction: Transaction, digests: Collection[str]) -> None:
    """Keep these sources, before something refers to them.

    Raises: Conflict: files of one are not stored any more.
    """
    for digest, row in plugins.sources(transaction.connection, digests).items():
        if not all(transaction.blobs.keep(sha256) for sha256 in row.source.blobs):
            raise Conflict(
                f"files of the plugin {row.name} are damaged or gone ({digest[:12]})",
                "farm plugin add DIR stores them again; those that came with farm, a restart of the coordinator.",
            )
    plugins.touch_sources(transaction.connection, digests, transaction.at)


def choice_of_key(connection: Connection, chosen: dict[str, str]) -> Choice:
    """What there is for a build whose key has these plugins already, which stay as they are."""
    stored = plugins.sources(connection, tuple(chosen.values()))
    named = tuple(_known(stored[source], name) for name, source in chosen.items() if source in stored)
    return Choice(named, _every(connection))


def _named(connection: Connection, word: str) -> Known:
    name, at, source = word.partition("@")
    row = plugins.by_name(connection, check_plugin_name(name))
    if not at:
        if row is None:
            raise NotFound(f"there is no plugin {name!r}", "farm plugin add DIR adds one; farm plugin list shows them.")
        return _known(row.stored, name, row)
    found = plugins.sources(connection, (check_digest(source),)).get(source)
    if found is None or found.name != name:
        raise NotFound(f"there is no source {source[:12]} of the plugin {name!r}", "farm plugin add DIR adds it again.")
    return _known(found, name)


def _every(connection: Connection) -> tuple[Known, ...]:
    return tuple(_known(row.stored, row.name, row) for row in plugins.every(connection))


def _known(stored: SourceRow, name: str, row: PluginRow | None = None) -> Known:
    about = stored.manifest
    return Known(name, stored.digest, about.operators, about.minimum_tensorrt, bool(row and row.builtin))
