"""What `farm --help` costs: `python -m tests.bench.command [--rounds 20]`.

Processor time of whole processes, Python's own start included, each in turn in each round. Targets: at most 0.2 s, and
not twice of a Python that imports click and does nothing with it.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys

HELP_TARGET_S, CLICK_TARGET = 0.2, 2.0
_COMMANDS = {
    "python": "pass",
    "import click": "import click",
    "farm --help": "import sys; sys.argv = ['farm', '--help']; from farm.cli.main import main; main()",
}


def main() -> None:
    """Measure, print a line for each, and exit with 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    seconds: dict[str, list[float]] = {name: [] for name in _COMMANDS}
    for _ in range(rounds):
        for name, code in _COMMANDS.items():
            seconds[name].append(_cpu_s(code))
    medians = {name: statistics.median(found) for name, found in seconds.items()}
    for name, median_s in medians.items():
        sys.stdout.write(f"{name:<14}{median_s:6.3f} s of CPU\n")
    ratio = medians["farm --help"] / medians["import click"]
    missed = medians["farm --help"] > HELP_TARGET_S or ratio > CLICK_TARGET
    sys.stdout.write(f"farm --help / import click: {ratio:.2f} ({'missed' if missed else 'met'})\n")
    sys.exit(1 if missed else 0)


def _cpu_s(code: str) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
