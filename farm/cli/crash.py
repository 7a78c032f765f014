"""An error nobody foresaw: one sentence for the person, everything else in a file."""

from __future__ import annotations

import platform
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import Optional, Sequence, Tuple

from farm import __version__

from .settings import load

_OURS = ("farm", "orchestrator", "worker")
_EXTRAS = "coordinator for a coordinator, worker to build or to run engines"
_SECRET_OPTIONS = ("--token",)


def sentence_for(error: BaseException) -> Optional[Tuple[str, str]]:
    """What is wrong with this machine and nobody's bug, a path or a package that lacks, and a hint; else None."""
    if _place()[0]:
        return None
    if isinstance(error, OSError) and error.filename:
        return f"cannot use {error.filename}: {error.strerror}", "Check the path, its rights and the room on its disk."
    if isinstance(error, ModuleNotFoundError) and error.name and error.name.split(".")[0] not in _OURS:
        return f"the package {error.name} is not installed here", f"Install the extra that this verb needs: {_EXTRAS}."
    return None


def report(error: BaseException, arguments: Sequence[str]) -> Tuple[str, str]:
    """Write the traceback to a file; what happened, and a hint that says where. FARM_DEBUG=1 shows it as well."""
    lines = [
        f"farm {__version__}, Python {platform.python_version()}, {platform.platform()}",
        "farm " + " ".join(_without_secrets(arguments)),
        "",
        *traceback.format_exception(type(error), error, error.__traceback__),
    ]
    text = "\n".join(lines)
    debug, folder = _place()
    if debug:
        sys.stderr.write(text)
    happened = f"this should not have happened: {type(error).__name__}: {error}"
    path = folder / time.strftime("crash-%Y%m%d-%H%M%S.txt")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as failure:
        return f"{happened}, and {path} cannot be written: {failure.strerror}", "Set FARM_DEBUG=1 to see it."
    return happened, f"Report it with {path}."


def _place() -> Tuple[bool, Path]:
    try:
        settings = load()
    except Exception:
        # The crash may come from the settings themselves.
        return False, Path(tempfile.gettempdir())
    return settings.debug, settings.cache_dir


def _without_secrets(arguments: Sequence[str]) -> Sequence[str]:
    shown = []
    hide = False
    for argument in arguments:
        name, equals, _ = argument.partition("=")
        shown.append("***" if hide else f"{name}=***" if name in _SECRET_OPTIONS and equals else argument)
        hide = argument in _SECRET_OPTIONS
    return shown
