"""Rows of docs/hardware.md, measured: `python -m tests.gpu.rows FOLDER PART:NETWORK-PRECISION…`, a JSON file for each.

A row is one network in one precision; its parts are measured minutes apart, each in a step of its own, so that a few
minutes on a card are enough for some of them:

    farm     the whole farm: submitted, built, verified, measured, fetched, run; a bare loop over the same engine
    warm     the same submission once more in the same farm, after `farm`: what its timing cache saves
    shapes   an engine with an open batch, measured at three sizes
    agree    the farm's times against a bare loop's, turn by turn, of the engine that `farm` left
    pytorch  PyTorch on the same card

A part that is there is not measured again; `python -m tests.gpu.rows FOLDER` prints what is there as a table.
"""

from __future__ import annotations

import datetime
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from farm.protocol.errors import FarmError
from farm.protocol.exits import Exit
from farm.protocol.views import AttemptView, SubmissionView
from tests.e2e.fleet import Fleet

from .commands import PYTHON, on_the_card, said
from .farms import card_fleet, options
from .networks import OPEN, calibration, export
from .table import table

TARGET = os.environ.get("FARM_GPU_TARGET", "backend=tensorrt")
# Modes of torch.compile; nothing is max-autotune.
COMPILE = os.environ.get("FARM_GPU_COMPILE", "").split()
# Graph steps in place of the farm's own.
STEPS = os.environ.get("FARM_GPU_STEPS", "")
_SUBMIT_S = 560.0
_KEPT = (Exit.DONE, Exit.TOO_NOISY)
_CALIBRATED = ("int8", "best")
_BATCHES = (1, 8, 32)

Row = dict[str, Any]


def main() -> None:
    """Measure the parts that are missing, or print the table."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in sys.argv[2:] if not _file(folder, name).exists()]
    if not sys.argv[2:]:
        sys.stdout.write(table(folder))
    together = [name for name in wanted if name.split(":")[0] in _PARTS]
    if together:
        _in_a_farm(folder, together)
    for name in [name for name in wanted if name not in together]:
        _keep(folder, name, _ALONE[name.split(":")[0]](folder, *_network(name)))


def _in_a_farm(folder: Path, names: list[str]) -> None:
    scratch = folder / f"fleet-{os.getpid()}"
    scratch.mkdir()
    with card_fleet(scratch) as farm:
        for name in names:
            part = _PARTS[name.split(":")[0]]
            try:
                _keep(folder, name, part(farm, folder, *_network(name)))
            except (FarmError, RuntimeError) as error:
                # The next one may be luckier, and minutes on a card are few.
                sys.stdout.write(f"{name}: {error!r}\n")


def _network(name: str) -> tuple[str, str]:
    network, _, precision = name.split(":")[1].rpartition("-")
    return network, precision


def _file(folder: Path, name: str) -> Path:
    return folder / f"{name.replace(':', '-')}.json"


def _keep(folder: Path, name: str, row: Row) -> None:
    row["date"] = datetime.datetime.now(datetime.UTC).date().isoformat()
    row["part"], (row["network"], row["precision"]) = name.split(":")[0], _network(name)
    # What failed is measured again the next time.
    path = _file(folder, name) if row.get("exit", 0) in _KEPT else folder / f"failed-{_file(folder, name).name}"
    path.write_text(json.dumps(row, indent=1))
    sys.stdout.write(json.dumps(row) + "\n")
    sys.stdout.flush()


def _farm(farm: Fleet, folder: Path, network: str, precision: str) -> Row:
    row, done = _submitted(farm, folder, network, precision)
    if not done:
        return row
    engine = folder / f"engine-{network}-{precision}"
    on_the_card(farm, "fetch", network, "--precision", precision, "-o", engine)
    row["ran"] = [item["name"] for item in on_the_card(farm, "run", engine)["outputs"]]
    row["compute_again_ms"] = [_compute_ms(farm, engine) for _ in range(2)]
    row["compute_graph_ms"] = _compute_ms(farm, engine, "--useCudaGraph")
    row["bare"] = said(PYTHON, "tests.gpu.bare", str(engine / "engine.plan"))
    # The same two turn by turn in one process, with two bare loops: what is left is how they measure.
    row["turns"] = said(PYTHON, "tests.gpu.agree", str(engine))
    return row


def _warm(farm: Fleet, folder: Path, network: str, precision: str) -> Row:
    return _submitted(farm, folder, network, precision, "--force")[0]


def _shapes(farm: Fleet, folder: Path, network: str, precision: str) -> Row:
    """At each size: the farm's median, and PyTorch's."""
    height, width = OPEN[network]
    shapes = [f"images:{batch}x3x{height}x{width}" for batch in _BATCHES]
    flags = [f"--{word}Shapes={shape}" for word, shape in zip(("min", "opt", "max"), shapes, strict=True)]
    row, done = _submitted(farm, folder, f"{network}-open", precision, *flags)
    if done:
        engine = folder / f"engine-{network}-open-{precision}"
        on_the_card(farm, "fetch", f"{network}-open", "--precision", precision, "-o", engine)
        row["compute_ms"] = {shape: _compute_ms(farm, engine, "--shapes", shape) for shape in shapes}
        row["compute_graph_ms"] = {
            shape: _compute_ms(farm, engine, "--shapes", shape, "--useCudaGraph") for shape in shapes
        }
    return row


def _pytorch(folder: Path, network: str, precision: str) -> Row:
    return said(sys.executable, "tests.gpu.baseline", network, precision, *COMPILE)


def _agree(folder: Path, network: str, precision: str) -> Row:
    return said(PYTHON, "tests.gpu.agree", str(folder / f"engine-{network}-{precision}"))


_ALONE: dict[str, Callable[[Path, str, str], Row]] = {"pytorch": _pytorch, "agree": _agree}
_PARTS: dict[str, Callable[[Fleet, Path, str, str], Row]] = {"farm": _farm, "warm": _warm, "shapes": _shapes}


def _submitted(farm: Fleet, folder: Path, network: str, precision: str, *flags: object) -> tuple[Row, bool]:
    """What a submission came to, and whether there is an engine of it."""
    path = export(network, folder)
    given: list[object] = [*options()]
    if precision in _CALIBRATED:
        given += ["--calib", calibration(network, folder)]
    if STEPS:
        given += ["--steps", STEPS]
    began_s = time.monotonic()
    told = farm.farm(
        *("submit", path, "--targets", TARGET, "--precision", precision, *given, *flags, "--wait", "--json"),
        within_s=_SUBMIT_S,
    )
    row: Row = {"submit_s": round(time.monotonic() - began_s, 2), "exit": told.code}
    answer = json.loads(told.out) if told.out else {}
    if told.code not in _KEPT or "id" not in answer:
        return {**row, "error": told.err[-800:], "builds": answer.get("builds", [])}, False
    row.update(_told(farm, farm.client.status(answer["id"])))
    return row, True


def _told(farm: Fleet, view: SubmissionView) -> Row:
    """Where the time of a submission went, and what its engine came to."""
    (result,) = farm.client.results(view.id)
    preparing, building = farm.preparation_attempts(view), farm.build(view).attempts
    row: Row = {"preparing_s": _stages(preparing), "building_s": _stages(building)}
    row["children_s"] = [round(item.child_ms / 1000, 2) for item in (*preparing, *building)]
    row["effective"] = dict(result.engine.manifest.effective) if result.engine else {}
    report = result.verification
    row["verdict"] = report and report.verdict
    row["errors"] = [[item.name, item.absolute.maximum, item.cosine] for item in report.outputs] if report else []
    phases = result.benchmark.phases if result.benchmark else {}
    row["median_ms"] = {phase: found.median_ms for phase, found in phases.items()}
    return row


def _stages(attempts: tuple[AttemptView, ...]) -> dict[str, float | None]:
    return {str(stage.state): stage.seconds for attempt in attempts for stage in attempt.stages}


def _compute_ms(farm: Fleet, engine: Path, *flags: str) -> float | None:
    """None where it is too noisy."""
    told: float | None = (
        on_the_card(farm, "bench", engine, *flags).get("phases", {}).get("compute", {}).get("median_ms")
    )
    return told


if __name__ == "__main__":
    main()
