"""What a child may know of its worker's environment: where programs and libraries are, and nothing of ours."""

from __future__ import annotations

import os
import re
import site
from pathlib import Path
from typing import Dict, Mapping

from worker.settings import CHILD_BEGINNINGS, CHILD_VARIABLES

# `NVIDIA_API_KEY` begins as `NVIDIA_VISIBLE_DEVICES` does.
_SECRET = re.compile(r"(KEY|TOKEN|SECRET|PASS(WORD|WD)?|CREDENTIALS?|AUTH)(_|$)", re.IGNORECASE)

# ONNX Runtime tells its maker of each session where nobody forbids it.
_SILENT = {"ORT_DISABLE_TELEMETRY": "1"}


def scrubbed(environ: Mapping[str, str], workspace: Path) -> Dict[str, str]:
    """The environment of the child that works in a workspace."""
    kept = {name: value for name, value in environ.items() if _is_for_children(name)}
    home = str(home_of(workspace))
    return {**kept, **_python(environ), **_SILENT, "HOME": home, "TMPDIR": home}


def home_of(workspace: Path) -> Path:
    """The folder a child has to itself, by which it and all that it starts can be told from others."""
    return workspace / "home"


def _is_for_children(name: str) -> bool:
    return (name in CHILD_VARIABLES or name.startswith(CHILD_BEGINNINGS)) and not _SECRET.search(name)


def _python(environ: Mapping[str, str]) -> Dict[str, str]:
    # The worker's own package, wherever it was found; the working directory is searched for none.
    places = [str(Path(__file__).resolve().parents[2]), *filter(None, [environ.get("PYTHONPATH")])]
    told = {
        "PYTHONPATH": os.pathsep.join(places),
        "PYTHONSAFEPATH": "1",
        "PYTHONUNBUFFERED": "1",
        # A crash in native code says in the log which line of Python called it.
        "PYTHONFAULTHANDLER": "1",
    }
    if site.ENABLE_USER_SITE:
        # Found by HOME otherwise, which is not the user's.
        told["PYTHONUSERBASE"] = site.getuserbase()
    return told
