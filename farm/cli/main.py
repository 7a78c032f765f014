"""The `farm` command: one group, one place where every error becomes a sentence and an exit code."""

from __future__ import annotations

import os
import sys
from typing import Optional, Sequence

import click

from farm import __version__
from farm.cycles import collect_seldom, end_quickly
from farm.protocol.errors import FarmError, Invalid
from farm.protocol.exits import Exit

from .context import Connection
from .group import LazyGroup, ReaderLeft

_BROKEN_PIPE = 141
_HELP = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


@click.group(cls=LazyGroup, context_settings=_HELP)
@click.version_option(__version__, prog_name="farm", message="%(prog)s %(version)s")
@click.option("--url", metavar="URL", help="Coordinator, instead of FARM_URL and the file of `farm configure`.")
@click.option("--token", metavar="TOKEN", help="Token, instead of FARM_TOKEN.")
@click.option("--profile", metavar="NAME", help="Profile of the file of `farm configure`.")
@click.pass_context
def cli(ctx: click.Context, url: Optional[str], token: Optional[str], profile: Optional[str]) -> None:
    r"""Build TensorRT engines on every device you own, and fetch the one that fits.

    \b
      farm submit model.onnx --targets xavier,v100
      farm fetch model -o engines/model
    """
    ctx.obj = Connection(url, token, profile)


def main() -> None:
    """Run the command line of this process."""
    collect_seldom()
    # ONNX Runtime asks the C library for it, and tells its maker of each session where nobody forbids it.
    os.putenv("ORT_DISABLE_TELEMETRY", "1")
    code = run(sys.argv[1:])
    end_quickly()
    sys.exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run one command line; the exit code. Nothing escapes but what ends the process."""
    try:
        result = cli.main(args=list(arguments) or ["--help"], prog_name="farm", standalone_mode=False)
        sys.stdout.flush()
        return int(result) if isinstance(result, int) else int(Exit.DONE)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.ClickException as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            # A group without a verb; older versions of click print its help and end.
            click.echo(error.format_message(), err=True)
            return int(Exit.USAGE)
        return _refused(arguments, _usage(error))
    except FarmError as error:
        return _refused(arguments, error)
    except (KeyboardInterrupt, click.Abort):
        from .console import INTERRUPTED

        return INTERRUPTED
    except ReaderLeft:
        _drop_output()
        return _BROKEN_PIPE
    except Exception as error:
        from .crash import report, sentence_for

        told = sentence_for(error)
        return _refused(arguments, Invalid(*told) if told else FarmError(*report(error, arguments)))


def _refused(arguments: Sequence[str], error: FarmError) -> int:
    """Say an error as one sentence, and as an object on standard output to a program that asked for JSON."""
    if "--json" in arguments:
        from .console import emit_json

        emit_json(error.to_json())
    click.echo(f"{click.style('error:', fg='red', bold=True)} {error}", err=True)
    return int(error.exit_code)


def _usage(error: click.ClickException) -> Invalid:
    context = getattr(error, "ctx", None)
    told = _no_such_option(error) if isinstance(error, click.NoSuchOption) else error.format_message()
    message = " ".join(told.split()).rstrip(".")
    path = context.command_path if context else "farm"
    return Invalid(f"{message[:1].lower()}{message[1:]}", f"See {path} --help.")


def _no_such_option(error: click.NoSuchOption) -> str:
    from .nearness import near, or_else

    parameters = error.ctx.command.get_params(error.ctx) if error.ctx else ()
    names = [name for parameter in parameters for name in (*parameter.opts, *parameter.secondary_opts)]
    meant = _of_a_backend(error.option_name) if "--option" in names else None
    if meant is not None:
        return f"there is no option {error.option_name!r}; backends take theirs as --option {meant}=VALUE"
    near_ones = near(error.option_name, [name for name in names if name.startswith("-")])
    return f"there is no option {error.option_name!r}{or_else(near_ones)}"


def _of_a_backend(typed: str) -> Optional[str]:
    """The option of a backend that was typed as one of the command, as trtexec has it."""
    from farm.backends.options import every_name

    from .options import kebab

    return next((name for name in every_name() if kebab(f"--{name}") == kebab(typed)), None)


def _drop_output() -> None:
    """Let the interpreter's last flush go nowhere."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
