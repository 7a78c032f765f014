"""The documents say what the code does: every word a user may meet is explained, and every link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from farm.protocol.campaigns import CampaignState, Speed
from farm.protocol.errors import BY_CODE
from farm.protocol.exits import Exit
from farm.protocol.report import FailureKind, Verdict
from farm.protocol.states import AttemptEnd, DeviceState, State, Word

ROOT = Path(__file__).parents[1]
PACKAGES = ("farm", "orchestrator", "worker", "plugins")
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *ROOT.glob("d[eo]*/*.md")])
VARIABLE = re.compile(r"\bFARM_[A-Z0-9_]+\b")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OPTION = re.compile(r"(?<![\w-])--[A-Za-z][\w-]*")
# Of click, and of mypy.
OTHERS_OPTIONS = {"--help", "--version", "--strict"}


def document(name: str) -> str:
    """The text of one page of docs/."""
    return (ROOT / "docs" / name).read_text()


def everything() -> str:
    """All documents as one text."""
    return "\n".join(path.read_text() for path in DOCUMENTS)


def rows(text: str) -> list[list[str]]:
    """The cells of every table row, without backticks."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]


def commands(
    command: click.Command, name: str, parent: click.Context | None = None
) -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name, as a user types it; groups only by what is in them."""
    if not isinstance(command, click.Group):
        yield name, command
        return
    context = click.Context(command, info_name=name, parent=parent)
    for word in command.list_commands(context):
        found = command.get_command(context, word)
        assert found is not None, f"{name} lists {word} and does not have it"
        if not found.hidden:
            yield from commands(found, f"{name} {word}", context)


def variables(*folders: Path) -> set[str]:
    """The names of the farm's environment variables in these folders' files."""
    files = (path for folder in folders for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return {name for path in files for name in VARIABLE.findall(path.read_text(errors="replace"))}


def test_every_command_is_documented() -> None:
    from farm.cli.main import cli

    text = everything()
    missing = [name for name, _ in commands(cli, "farm") if not re.search(rf"\b{name}\b", text)]
    assert missing == []


def test_every_option_has_a_help_text() -> None:
    from farm.cli.main import cli

    silent = [
        f"{name} {parameter.opts[0]}"
        for name, command in commands(cli, "farm")
        for parameter in command.params
        if isinstance(parameter, click.Option) and not parameter.help and not parameter.hidden
    ]
    assert silent == []


def test_every_option_in_the_documents_is_one_of_the_command() -> None:
    from farm.cli.main import cli

    parts = [*cli.params, *(part for _, command in commands(cli, "farm") for part in command.params)]
    known = {word for part in parts for word in (*part.opts, *part.secondary_opts)} | OTHERS_OPTIONS
    # What is about Docker and systemd names their options.
    pages = [path for path in DOCUMENTS if path.parent.name not in ("docker", "deploy")]
    told = {word for path in pages for word in OPTION.findall(path.read_text())}
    assert "--targets" in told
    assert sorted(told - known) == []


def test_every_error_code_is_documented_with_its_exit() -> None:
    told = {cells[0]: cells[1] for cells in rows(document("errors.md")) if len(cells) == 3 and cells[1].isdigit()}
    assert told == {code: str(int(error.exit_code)) for code, error in BY_CODE.items()}


def test_every_exit_code_is_documented_under_its_name() -> None:
    told = {cells[0]: cells[1] for cells in rows(document("errors.md")) if cells[0].isdigit()}
    assert told == {str(int(code)): code.name.lower().replace("_", " ") for code in Exit}


@pytest.mark.parametrize(
    "words", [State, DeviceState, AttemptEnd, Verdict, CampaignState, Speed], ids=lambda words: words.__name__
)
def test_every_state_is_documented(words: type[Word]) -> None:
    text = document("states.md")
    assert [str(word) for word in words if f"`{word}`" not in text] == []


def test_every_kind_of_failure_is_documented() -> None:
    text = document("errors.md")
    assert [str(kind) for kind in FailureKind if f"`{kind}`" not in text] == []


def test_every_variable_is_documented_and_every_documented_one_exists() -> None:
    # What C++ and CMake call so in plugins/ are macros and options, which the documents may name too.
    readers = (ROOT / package for package in PACKAGES if package != "plugins")
    ours = {name for name in variables(*readers) if not name.endswith("_")}
    told = set(VARIABLE.findall(everything()))
    assert sorted(ours - told) == []
    known = ours | variables(*(ROOT / folder for folder in ("plugins", "tests", "deploy", ".ci")))
    assert sorted(told - known) == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    broken = []
    for link in LINK.findall(path.read_text()):
        target, _, anchor = link.partition("#")
        if "://" in target or target.startswith("mailto:"):
            continue
        linked = path.parent / target if target else path
        if not linked.exists() or (anchor and anchor not in anchors(linked)):
            broken.append(link)
    assert broken == []


def anchors(path: Path) -> set[str]:
    """The names under which the headings of a document can be linked to."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings}


def test_the_readme_is_there_and_short() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) < 300
