"""Commands of the farm and of these modules on a machine with a card, and what they print."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

from farm.protocol.exits import Exit
from tests.e2e.fleet import Fleet
from tests.e2e.process import ROOT

PYTHON = os.environ.get("FARM_GPU_PYTHON", sys.executable)
_LONGEST_S = float(os.environ.get("FARM_GPU_LONGEST_S", "420"))


def on_the_card(farm: Fleet, *arguments: object) -> Any:
    """What a command prints with `--json` on the device."""
    command = [PYTHON, "-c", "from farm.cli.main import main; main()", *map(str, arguments), "--json"]
    told = _run(command, {"FARM_URL": farm.url, "FARM_TOKEN": farm.token})
    if told.returncode not in (Exit.DONE, Exit.TOO_NOISY):
        raise RuntimeError(f"{arguments}: {told.stderr[-800:]}")
    return json.loads(told.stdout)


def said(python: str, module: str, *arguments: str) -> dict[str, Any]:
    """The last line that a module of these prints; with an `error` where it did not end well."""
    try:
        told = _run([python, "-m", module, *arguments], {})
    except subprocess.TimeoutExpired as error:
        # What was measured until then counts.
        printed = error.stdout.decode() if isinstance(error.stdout, bytes) else error.stdout or ""
        return {**_last(printed), "error": f"did not end within {_LONGEST_S:g} s"}
    return {**_last(told.stdout), **({"error": told.stderr[-800:]} if told.returncode else {})}


def _last(printed: str) -> dict[str, Any]:
    lines = printed.splitlines()
    return dict(json.loads(lines[-1])) if lines else {}


def _run(command: list[str], environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    whole = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
    return subprocess.run(command, env=whole, capture_output=True, text=True, timeout=_LONGEST_S)
