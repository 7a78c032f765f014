"""A machine read back from a folder: its files as they lie there, its commands' answers from `machine.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Dict, Optional, Sequence

from farm.device.machine import Machine

RECORDED = Path(__file__).with_name("recorded")
NAMES = ("h200", "rtx4090", "v100", "xavier")


def recorded(name: str) -> Machine:
    """The recorded machine of that name."""
    return machine_of(RECORDED / name, json.loads((RECORDED / name / "machine.json").read_text()))


def machine_of(root: Path, told: Dict[str, Any]) -> Machine:
    """A machine whose files lie below `root`; every command that `told` does not list fails as a missing one does."""
    packages: Dict[str, str] = told.get("packages", {})
    commands: Dict[str, str] = told.get("commands", {})

    def run(command: Sequence[str], timeout_s: float) -> Optional[str]:
        return commands.get(_spoken(command))

    return Machine(
        root=root,
        run=run,
        architecture=told["architecture"],
        libc=told["libc"],
        python=told["python"],
        cores=told["cores"],
        package=packages.get,
        providers=lambda group: told.get(group, {}),
        module=lambda name: f"import {name}" in commands,
        search=tuple(told.get("search", ())),
    )


def _spoken(command: Sequence[str]) -> str:
    """Interpreter calls by what they do, others by the program's own name."""
    if command[-1].endswith("cuda_query.py"):
        return "cuda_query"
    if command[1] == "-c":
        return command[2].partition(";")[0]
    if command[0] == "dpkg-query":
        return f"dpkg-query {command[-1]}"
    return " ".join([Path(command[0]).name, *command[1:]])
