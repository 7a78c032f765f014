"""What a verb says and where: results on standard output, everything else on standard error."""

from __future__ import annotations

import json
import sys
from typing import Any, List, NamedTuple, Sequence, Tuple

import click

from farm.protocol.codec import to_json

from .format import Cell, CellLike

# The exit code after Ctrl-C.
INTERRUPTED = 130


class Column(NamedTuple):
    """The head of a column, and whether it holds numbers or sentences; other cells are words, never broken."""

    head: str
    right: bool = False
    wraps: bool = False


def columns(heads: str) -> Tuple[Column, ...]:
    """Columns from their heads, separated by commas: `p50>` holds numbers, `note~` holds sentences."""
    return tuple(Column(head.strip(" >~").upper(), head.endswith(">"), head.endswith("~")) for head in heads.split(","))


def out(text: str = "") -> None:
    """A line of the result."""
    click.echo(text)


def say(text: str) -> None:
    """A line for the person who watches."""
    click.echo(text, err=True)


def emit_json(value: Any) -> None:
    """The one JSON object of `--json`."""
    click.echo(json.dumps(to_json(value), ensure_ascii=False, indent=2 if sys.stdout.isatty() else None))


def watched() -> bool:
    """Somebody looks at standard error."""
    return sys.stderr.isatty()


def emit_table(heads: Sequence[Column], rows: Sequence[Sequence[CellLike]], empty: str = "nothing") -> None:
    """A table: drawn for a terminal, plain aligned columns without any cutting for a pipe."""
    if not rows:
        say(empty)
    elif sys.stdout.isatty():
        console(sys.stdout).print(drawn_table(heads, rows))
    else:
        for line in plain_table(heads, rows):
            out(line)


def emit_fields(pairs: Sequence[Tuple[str, CellLike]]) -> None:
    """Names and values below each other; pairs with an empty value are left out."""
    shown = [(name, cell) for name, cell in pairs if _text(cell)]
    if sys.stdout.isatty():
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, 2))
        grid.add_column(style="dim", no_wrap=True)
        grid.add_column(overflow="fold")
        for name, cell in shown:
            grid.add_row(name, Text(_text(cell), style=_style(cell)))
        console(sys.stdout).print(grid)
        return
    width = max((len(name) for name, _ in shown), default=0)
    for name, cell in shown:
        first, *more = _text(cell).split("\n")
        out(f"{name:<{width}}  {first}")
        for line in more:
            out(f"{'':<{width}}  {line}")


def plain_table(heads: Sequence[Column], rows: Sequence[Sequence[CellLike]]) -> List[str]:
    """The lines of a table without any drawing."""
    # A row is a line, whatever its cells hold: lines are what a pipe reads.
    lines = [[", ".join(_text(cell).split("\n")) for cell in row] for row in rows]
    texts = [[column.head for column in heads], *lines]
    widths = [max(len(row[index]) for row in texts) for index in range(len(heads))]
    return [
        "  ".join(
            text.rjust(width) if column.right else text.ljust(width) for text, width, column in zip(row, widths, heads)
        ).rstrip()
        for row in texts
    ]


def drawn_table(heads: Sequence[Column], rows: Sequence[Sequence[CellLike]]) -> Any:
    """A rich table: no frame, a thin rule below the head."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, header_style="bold", border_style="dim", show_edge=False, padding=(0, 1, 0, 0))
    for column in heads:
        justify: Any = "right" if column.right else "left"
        table.add_column(column.head, justify=justify, no_wrap=not column.wraps, overflow="fold")
    for row in rows:
        table.add_row(*(Text(_text(cell), style=_style(cell)) for cell in row))
    return table


def console(stream: Any) -> Any:
    """A rich console that changes nothing of what is printed."""
    from rich.console import Console

    return Console(file=stream, highlight=False, markup=False, emoji=False)


def _text(cell: CellLike) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _style(cell: CellLike) -> str:
    return cell.style if isinstance(cell, Cell) else ""
