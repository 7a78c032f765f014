"""docs/cli.md lists every verb and option as they are declared, and explains what they mean."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from farm.cli.main import cli
from farm.cli.reference import BEGIN, reference, updated
from farm.cli.table import VERBS
from farm.protocol.exits import Exit

PAGE = Path(__file__).parents[3] / "docs" / "cli.md"


def test_the_page_is_up_to_date() -> None:
    assert updated(PAGE.read_text("utf-8")) == PAGE.read_text("utf-8"), "run python -m farm.cli.reference docs/cli.md"


def test_every_verb_and_option_is_in_the_reference() -> None:
    text = reference()
    context = click.Context(cli, info_name="farm")
    for verb in VERBS:
        assert f"### farm {verb.name}" in text
        command = cli.get_command(context, verb.name)
        inner = command.commands.values() if isinstance(command, click.Group) else [command] if command else []
        for found in inner:
            for parameter in found.params:
                if isinstance(parameter, click.Option) and not parameter.hidden:
                    for name in parameter.opts:
                        assert f"`{name}`" in text
                    assert parameter.help


def test_every_exit_code_is_in_the_page() -> None:
    head = PAGE.read_text("utf-8").partition(BEGIN)[0]
    for code in Exit:
        assert f"\n| {int(code)} | " in head


def test_a_page_without_the_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="no line"):
        updated("# Something else")
