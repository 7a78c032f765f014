"""Target words: what stands after `--targets`, what it means, and who serves it."""

from __future__ import annotations

from collections.abc import Iterable

from farm.protocol.errors import Conflict, Invalid, NotFound
from farm.protocol.model import check_name
from farm.protocol.views import TargetView
from orchestrator.rules.filters import is_filter
from orchestrator.rules.targets import EVERYTHING, words_of
from orchestrator.rules.words import BUILTIN, TargetWord
from orchestrator.store import offers, words

from .context import Context

_LONGEST_TEXT = 1000


def every(context: Context) -> tuple[TargetView, ...]:
    """Every word with the devices that serve it now."""
    with context.database.read() as connection:
        known, offered = offers.words(connection), offers.offers(connection)
    serving: dict[str, dict[str, None]] = {}
    words = words_of(known)
    for offer in offered:
        for word in words(offer) if not offer.recorded else ():
            serving.setdefault(word.name, {})[offer.device] = None
    return tuple(_view(word, serving.get(word.name, ())) for word in known)


def put(context: Context, name: str, filter: str, aliases: tuple[str, ...], description: str) -> TargetView:
    """Give a filter a name, or an own word another meaning.

    Raises: Invalid: the filter cannot be read. Conflict: the word is built in, or a name is taken.
    """
    word = TargetWord(check_name(name, "target word"), filter, aliases, description, builtin=False)
    _check(word)
    with context.transaction() as transaction:
        _check_free(word, offers.words(transaction.connection))
        words.put(transaction.connection, word)
        selecting = words_of((word,))
        offered = offers.offers(transaction.connection)
        served = (item.device for item in offered if not item.recorded and selecting(item))
        return _view(word, dict.fromkeys(served))


def remove(context: Context, name: str) -> None:
    """Forget an own word.

    Raises: NotFound. Conflict: it is built in.
    """
    with context.transaction() as transaction:
        if any(word.name == name for word in BUILTIN):
            raise Conflict(f"{name!r} is built in and cannot be removed", "farm targets lists your own words.")
        if not words.remove(transaction.connection, name):
            raise NotFound(f"there is no target word {name[:80]!r}", "Run farm targets list.")


def _check(word: TargetWord) -> None:
    for name in (word.name, *word.aliases):
        check_name(name, "target word")
        if name.lower() == EVERYTHING or is_filter(name):
            raise Invalid(f"{name!r} means something else after --targets", "Choose another word.")
    if len(word.filter) > _LONGEST_TEXT or len(word.description) > _LONGEST_TEXT:
        raise Invalid(f"a filter or description has at most {_LONGEST_TEXT} characters")
    if not word.filter:
        raise Invalid("a target word needs a filter", "Write one such as sm>=80,mem>=16GiB.")
    _ = word.parsed


def _check_free(word: TargetWord, known: tuple[TargetWord, ...]) -> None:
    wanted = {name.lower() for name in (word.name, *word.aliases)}
    for other in known:
        taken = wanted & {name.lower() for name in (other.name, *other.aliases)}
        if taken and (other.builtin or other.name != word.name):
            raise Conflict(f"{min(taken)!r} is taken by the target word {other.name!r}", "Choose another word.")


def _view(word: TargetWord, devices: Iterable[str]) -> TargetView:
    return TargetView(
        name=word.name,
        aliases=word.aliases,
        filter=word.filter,
        description=word.description,
        devices=tuple(devices),
        builtin=word.builtin,
        tried=word.tried,
    )
