"""`farm completion`."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from farm.protocol.errors import Invalid
from farm.protocol.exits import Exit

from ..console import out
from ..options import verb

_SHELLS = ("bash", "zsh", "fish")


@verb()
@click.argument("shell", type=click.Choice(_SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    r"""Print the script that completes verbs and options in a shell.

    \b
      eval "$(farm completion bash)"
      farm completion fish > ~/.config/fish/completions/farm.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise Invalid(f"this version of click cannot complete in {shell}", "Use another shell.")
    out(kind(ctx.find_root().command, {}, "farm", "_FARM_COMPLETE").source())
    return Exit.DONE
