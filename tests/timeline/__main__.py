"""Where the time of a submission goes: `python -m tests.timeline MODEL [WORD…]`, from the command to its last word.

A coordinator, a host and a device as real processes; each tells what it does when. Prints every piece of time of ten
milliseconds or more, and a summary as the last line, in JSON. Further words go to `farm submit`.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from farm.protocol.views import SubmissionView
from tests.e2e.fleet import Fleet
from tests.e2e.process import ROOT, Process
from tests.farm.cli.processes import start

from .beside import Device, bare_build
from .slices import read, slices
from .summary import overhead, summary, told

_WITHIN_S = 560.0


def main() -> None:
    """Submit, and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--python", default=sys.executable, help="of the device")
    parser.add_argument("--path", default="", help="where the device finds further packages")
    parser.add_argument("--one-worker", action="store_true", help="host and device are one worker")
    parser.add_argument("--bare", metavar="MODULE", help="build the same once more without the farm, by this binding")
    parser.add_argument("--bare-precision", default="fp32", choices=("fp32", "fp16"))
    parser.add_argument("--rounds", type=int, default=1, help="submissions, all but the first with --force")
    given, words = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="farm-timeline-") as folder:
        _measure(given, words, Path(folder))


def _measure(given: argparse.Namespace, words: list[str], folder: Path) -> None:
    spans = folder / "spans.jsonl"
    farm = Fleet(folder)
    farm.coordinator.lie = _recording(spans, "coordinator")
    # As a farm runs that nobody tests: the usual lease, the usual heartbeat.
    for name in ("FARM_LEASE_TTL_S", "FARM_HEARTBEAT_S", "FARM_POLL_S"):
        del farm.coordinator.environ[name]
    try:
        farm.up()
        _start_workers(given, farm, spans)
        for number in range(given.rounds):
            spans.write_text("")
            began_s, ended_s, view = _submit(farm, spans, [str(given.model), *words, *(["--force"] if number else [])])
            found = read(spans)
            row = summary(found, ended_s - began_s)
            sys.stdout.write(told(slices(found, began_s, ended_s), began_s) + json.dumps(row) + "\n")
            sys.stdout.flush()
        if given.bare:
            plain = bare_build(farm, view, Device(given.python, given.path, given.bare), given.bare_precision)
            sys.stdout.write(json.dumps({"bare": plain, **overhead(row, plain)}) + "\n")
    finally:
        farm.down()


def _start_workers(given: argparse.Namespace, farm: Fleet, spans: Path) -> None:
    roles = {"card": "host,device"} if given.one_worker else {"host": "host", "card": "device"}
    made: list[Process] = []
    for name, role in roles.items():
        python = given.python if "device" in role else sys.executable
        worker = farm.make_worker(name, "--roles", role, python=python)
        worker.lie = _recording(spans, name)
        if "device" in role:
            worker.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(ROOT), given.path]))
        worker.start()
        made.append(worker)
    for worker in made:
        farm.await_worker(worker)


def _submit(farm: Fleet, spans: Path, words: list[str]) -> tuple[float, float, SubmissionView]:
    environ = {"FARM_URL": farm.url, "FARM_TOKEN": farm.token, "HOME": str(farm.folder)}
    began_s = time.monotonic()
    with start("submit", *words, "--wait", "--json", python=_recording(spans, "command"), env=environ) as command:
        out, err = command.communicate(timeout=_WITHIN_S)
    ended_s = time.monotonic()
    if not out:
        raise SystemExit(err[-2000:])
    return began_s, ended_s, farm.client.status(json.loads(out)["id"])


def _recording(spans: Path, process: str) -> str:
    return f"from tests.timeline.spans import record; record({str(spans)!r}, {process!r})"


if __name__ == "__main__":
    main()
