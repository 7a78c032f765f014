"""`reproduce.sh`: how a person repeats a child by hand, in the environment it had."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Mapping

from .environment import scrubbed

SCRIPT = "reproduce.sh"


def write_reproduce(workspace: Path, module: str, environ: Mapping[str, str]) -> None:
    """Write the script into a workspace; it works from wherever the workspace is moved."""
    told = scrubbed(environ, Path())
    told.update({"HOME": "$folder/home", "TMPDIR": "$folder/home"})
    lines = [
        "#!/bin/sh",
        "# Repeats this stage by hand, in the environment that the worker gave it.",
        'folder=$(cd "$(dirname "$0")" && pwd) || exit 1',
        'rm -rf "$folder/output" "$folder/scratch" "$folder/home" "$folder/result.json" "$folder/failure.json"',
        'mkdir "$folder/output" "$folder/home"',
        'cd "$folder" || exit 1',
        "exec env -i \\",
        *(f"    {name}={_quoted(value)} \\" for name, value in sorted(told.items())),
        f'    {shlex.quote(sys.executable)} -m {module} "$folder"',
    ]
    path = workspace / SCRIPT
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    path.chmod(0o755)


def _quoted(value: str) -> str:
    return f'"{value}"' if value.startswith("$folder") else shlex.quote(value)
