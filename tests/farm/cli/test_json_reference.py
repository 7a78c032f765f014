"""docs/json.md has the object of every verb with --json, and each of its fields."""

from __future__ import annotations

from pathlib import Path
from typing import Iterator, Tuple

import click
import pytest

from farm.cli.json_reference import ANSWERS, BEGIN, reference, updated
from farm.cli.main import cli
from farm.cli.table import VERBS

PAGE = Path(__file__).parents[3] / "docs" / "json.md"


def with_json() -> Iterator[Tuple[str, ...]]:
    """Every verb that can answer in JSON, word by word."""
    context = click.Context(cli, info_name="farm")
    for verb in VERBS:
        command = cli.get_command(context, verb.name) if verb.place else None
        inner = command.commands if isinstance(command, click.Group) else {"": command} if command else {}
        for name, found in inner.items():
            if any("--json" in parameter.opts for parameter in found.params):
                yield ("farm", verb.name, name) if name else ("farm", verb.name)


def test_the_page_is_up_to_date() -> None:
    told = PAGE.read_text("utf-8")
    assert updated(told) == told, "run python -m farm.cli.json_reference docs/json.md"


def test_every_verb_with_json_has_its_object() -> None:
    told = {tuple(verb.replace(",", "").split()) for verb, _ in ANSWERS}
    missing = [words for words in with_json() if not any(set(words) <= set(verb) for verb in told)]
    assert missing == []


def test_objects_are_described_with_those_inside_of_them() -> None:
    text = reference()
    for name in (
        "SubmissionView",
        "RequestView",
        "DeviceFacts",
        "GpuFacts",
        "Percentiles",
        "RequestKey",
        "OnnxSummary",
    ):
        assert f"### {name}\n" in text
    assert "| `exit_code` | integer or `null` | What a waiting command would answer for it" in text


def test_a_page_without_the_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="no line"):
        updated(PAGE.read_text("utf-8").replace(BEGIN, ""))
