"""The list of every verb and option in docs/cli.md, written from the declarations themselves.

python -m farm.cli.reference docs/cli.md
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Iterator, List, Tuple

import click

from .main import cli
from .table import SECTIONS, VERBS

BEGIN = "<!-- Written by python -m farm.cli.reference; change the declarations instead. -->"


def updated(page: str) -> str:
    """The page with its generated part, which is everything below the mark, written anew.

    Raises: ValueError: the page has no mark.
    """
    head, mark, _ = page.partition(BEGIN)
    if not mark:
        raise ValueError(f"the page has no line {BEGIN}")
    return head + mark + "\n\n" + reference()


def reference() -> str:
    """Every verb under its heading, with its options; those of the coordinator and the worker too."""
    lines: List[str] = []
    for section in SECTIONS:
        lines += [f"## {section}", ""]
        for verb in VERBS:
            if verb.section == section:
                for name, command in _commands(verb.name):
                    lines += _described(name, command)
    return "\n".join(lines).rstrip() + "\n"


def _commands(name: str) -> Iterator[Tuple[str, click.Command]]:
    context = click.Context(cli, info_name="farm")
    command = cli.get_command(context, name)
    if isinstance(command, click.Group):
        for inner in command.commands:
            yield f"farm {name} {inner}", command.commands[inner]
    elif command is not None:
        yield f"farm {name}", command


def _described(name: str, command: click.Command) -> List[str]:
    arguments = [
        item.metavar or (item.name or "").upper() for item in command.params if isinstance(item, click.Argument)
    ]
    options = [item for item in command.params if isinstance(item, click.Option) and not item.hidden]
    lines = [f"### {name}", "", f"`{' '.join([name, *arguments])}`", "", *_paragraphs(command.help or "")]
    if options:
        lines += ["| option | |", "|---|---|", *(_row(item) for item in options), ""]
    return lines


def _paragraphs(text: str) -> List[str]:
    """Help as Markdown: paragraphs are joined, examples become code."""
    lines: List[str] = []
    for block in text.strip().split("\n\n"):
        if block.startswith("\b\n"):
            lines += ["```sh", *(line.strip() for line in block.splitlines()[1:]), "```", ""]
        else:
            lines += [" ".join(block.split()), ""]
    return lines


def _row(option: click.Option) -> str:
    names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" `{_value(option)}`"
    default = f" Default: {option.default}." if option.show_default and option.default is not None else ""
    return f"| {names}{value} | {option.help}{default} |"


def _value(option: click.Option) -> str:
    if isinstance(option.type, click.Choice):
        return " ".join(str(choice) for choice in option.type.choices)
    if isinstance(option.type, click.IntRange):
        return option.metavar or "N"
    return option.metavar or option.type.name.upper()


def main() -> None:
    """Rewrite the page that is named as the only argument."""
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
