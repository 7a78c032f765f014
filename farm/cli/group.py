"""A click group whose verbs are imported when they are called, and whose help imports none of them."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Dict, List, Optional, Tuple

import click
from click.shell_completion import CompletionItem

from farm.protocol.errors import Invalid

from .options import unwrapped_examples
from .table import SECTIONS, VERBS, Verb

ENTRY_POINTS = "farm.commands"
_INSTALL = "Install the extra that it belongs to: coordinator or worker."
_VERBS: Dict[str, Verb] = {verb.name: verb for verb in VERBS}


class ReaderLeft(Exception):
    """Raised when standard output is a pipe that nobody reads any more."""


class LazyGroup(click.Group):
    """The verbs of the table, and those that other packages bring."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.help = unwrapped_examples(self.help)

    def list_commands(self, ctx: click.Context) -> List[str]:
        """Every verb of the table; what other packages bring beyond it is found by its name only."""
        return list(_VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> Optional[click.Command]:
        """The verb, imported now; None where there is no such verb."""
        verb = _VERBS.get(cmd_name)
        if verb is None or verb.place is None:
            return _from_entry_points(cmd_name, known=verb is not None)
        module, attribute = verb.place.split(":")
        found: click.Command = getattr(import_module(f"farm.cli.verbs.{module}"), attribute)
        return found

    def resolve_command(
        self, ctx: click.Context, args: List[str]
    ) -> Tuple[Optional[str], Optional[click.Command], List[str]]:
        """The verb and what is left, or an error that names what may have been meant."""
        try:
            return super().resolve_command(ctx, args)
        except click.UsageError as error:
            from .nearness import near, or_else

            raise click.UsageError(f"there is no verb {args[0]!r}{or_else(near(args[0], _VERBS))}", ctx) from error

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb. A broken pipe gets a name of its own, since click would make an exit code of it."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as error:
            raise ReaderLeft from error

    def shell_complete(self, ctx: click.Context, incomplete: str) -> List[CompletionItem]:
        """Verbs from the table, so that a key press imports none of them."""
        verbs = [CompletionItem(verb.name, help=verb.help) for verb in VERBS if verb.name.startswith(incomplete)]
        return verbs if not incomplete.startswith("-") else super().shell_complete(ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the verbs under their headings."""
        for section in SECTIONS:
            with formatter.section(section):
                formatter.write_dl([(verb.name, verb.help) for verb in VERBS if verb.section == section], col_spacing=4)


def from_group(group: str, name: str, what: str) -> Any:
    """What another package brings under a name; `what` it is, for the message.

    Raises: Invalid: none does, or it cannot start here.
    """
    point = _point(group, name)
    if point is None:
        raise Invalid(f"{what} cannot be found here", _INSTALL)
    return _loaded(point, what)


def _from_entry_points(name: str, known: bool) -> Optional[click.Command]:
    point = _point(ENTRY_POINTS, name)
    if point is not None:
        command: click.Command = _loaded(point, f"the verb {name!r}")
        return command
    if known:
        raise Invalid(f"the verb {name!r} is not installed here", _INSTALL)
    return None


def _point(group: str, name: str) -> Any:
    from importlib import metadata

    points: Any = metadata.entry_points()
    # Python 3.8 answers with a dictionary, later versions with something to select from.
    found = points.select(group=group) if hasattr(points, "select") else points.get(group, ())
    return next((point for point in found if point.name == name), None)


def _loaded(point: Any, what: str) -> Any:
    try:
        return point.load()
    except ImportError as error:
        raise Invalid(f"{what} cannot start here: {error}", _INSTALL) from error
