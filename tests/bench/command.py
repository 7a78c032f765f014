"""What `farm --help` costs.

Processor time of whole processes, Python's own start included, each in turn in each round. Targets: at most 0.2 s, and
not twice of a Python that imports click and does nothing with it.
"""

from __future__ import annotations

import resource
import subprocess
import sys
from dataclasses import replace

from .figures import Figure, Row, median_of

HELP_TARGET_S, CLICK_TARGET = 0.2, 2.0
_COMMANDS = {
    "python": "pass",
    "import click": "import click",
    "farm --help": "import sys; sys.argv = ['farm', '--help']; from farm.cli.main import main; main()",
}


def measure(rounds: int = 20) -> list[Row]:
    """Processor time of each command, and the ratio."""
    seconds: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for _ in range(rounds):
        for name, code in _COMMANDS.items():
            seconds[name].append(_cpu_s(code))
    shown = {name: median_of(f"{name}, processor time", found, "s") for name, found in seconds.items()}
    shown["farm --help"] = replace(shown["farm --help"], most=HELP_TARGET_S)
    ratio = shown["farm --help"].value / shown["import click"].value
    return [*shown.values(), Figure("farm --help / import click", ratio, most=CLICK_TARGET)]


def _cpu_s(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
