"""How verbs and their options are declared, so that all of them behave alike."""

from __future__ import annotations

import inspect
import re
from typing import Any, Callable, Dict, List, Optional, Tuple, TypeVar

import click

from .context import Connection

F = TypeVar("F", bound=Callable[..., Any])

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_HELP_NAMES = frozenset({"-h", "--help"})


def kebab(name: str) -> str:
    """`--minShapes` as `--min-shapes`."""
    return _CAMEL.sub("-", name).lower()


def option(*names: str, **settings: Any) -> Callable[[F], F]:
    """A click option; one in trtexec's spelling is accepted in kebab-case too, and named by that."""
    spellings: List[str] = []
    for name in names:
        spellings.append(name)
        if name.startswith("--") and kebab(name) != name:
            spellings += [kebab(name), kebab(name)[2:].replace("-", "_")]
    return click.option(*spellings, cls=SectionOption, **settings)


class SectionOption(click.Option):
    """An option that help lists under a heading."""

    def __init__(self, *arguments: Any, section: str = "", **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.section = section


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


def unwrapped_examples(text: Optional[str]) -> Optional[str]:
    r"""The help text with click's mark in the place of `\b`, which a raw docstring spells with two characters."""
    return inspect.cleandoc(text).replace("\\b\n", "\b\n") if text else text


def _remember(field: str) -> Callable[[click.Context, click.Parameter, Optional[str]], Optional[str]]:
    def remember(ctx: click.Context, parameter: click.Parameter, value: Optional[str]) -> Optional[str]:
        if value:
            setattr(ctx.ensure_object(Connection), field, value)
        return value

    return remember


class VerbCommand(click.Command):
    """A verb. The options about the coordinator are accepted behind it as well as before it."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self.help = unwrapped_examples(self.help)
        taken = {parameter.name for parameter in self.params}
        for field in ("url", "token", "profile"):
            if field not in taken:
                self.params.append(
                    click.Option([f"--{field}"], hidden=True, expose_value=False, callback=_remember(field))
                )

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options under their headings, those without one last."""
        sections: Dict[str, List[Tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(parameter, "section", ""), []).append(record)
        for name in sorted(sections, key=lambda name: not name):
            with formatter.section(name or "Options"):
                formatter.write_dl(sections[name])


class Noun(click.Group):
    """A group of verbs about one thing; without a verb it lists."""

    command_class = VerbCommand
    default = "list"

    def parse_args(self, ctx: click.Context, args: List[str]) -> List[str]:
        """Put the default verb in where there is none, but not while a shell completes."""
        if ctx.resilient_parsing:
            return super().parse_args(ctx, args)
        if not args or (args[0].startswith("-") and args[0] not in _HELP_NAMES):
            args = [self.default, *args]
        return super().parse_args(ctx, args)


def verb(name: Optional[str] = None) -> Callable[[Callable[..., Any]], click.Command]:
    """A verb; it returns nothing or its exit code."""
    return click.command(name, cls=VerbCommand)


def noun(name: Optional[str] = None) -> Callable[[Callable[..., Any]], Noun]:
    """A group of verbs about one thing."""
    return click.group(name, cls=Noun)
