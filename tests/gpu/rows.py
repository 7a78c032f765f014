"""Rows of docs/hardware.md, measured: `python -m tests.gpu.rows FOLDER NETWORK-PRECISION…`, a JSON file for each.

A row is one model through the whole farm: submitted, built, verified, measured, fetched, run; beside it a bare loop
over the same engine and PyTorch on the same card, minutes apart. A row that is there is not measured again.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from farm.protocol.report import VerificationReport
from tests.e2e.fleet import Fleet, fleet
from tests.e2e.process import ROOT

from .engines import GIVEN
from .networks import export

PYTHON = os.environ.get("FARM_GPU_PYTHON", sys.executable)
TARGET = "backend=tensorrt"
# The mode of torch.compile, where max-autotune takes longer than there is.
COMPILE = os.environ.get("FARM_GPU_COMPILE", "").split()
_LONGEST_S = float(os.environ.get("FARM_GPU_LONGEST_S", "420"))


def main() -> None:
    """Measure the rows that are missing."""
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [name for name in sys.argv[2:] if not (folder / f"{name}.json").exists()]
    with tempfile.TemporaryDirectory() as scratch, fleet(Path(scratch)) as farm:
        farm.worker("host", "--roles", "host")
        farm.worker("card", "--roles", "device", python=PYTHON)
        for name in wanted:
            row = measured(farm, folder, *name.rsplit("-", 1))
            (folder / f"{name}.json").write_text(json.dumps(row, indent=1))
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()


def measured(farm: Fleet, folder: Path, network: str, precision: str) -> dict[str, Any]:
    """One row."""
    path = export(network, folder)
    began_s = time.time()
    options = [word for item in GIVEN for word in ("--option", item)]
    told = farm.farm(
        "submit", path, "--targets", TARGET, "--precision", precision, *options, "--wait", "--json", within_s=500
    )
    wall_s = time.time() - began_s
    answer = json.loads(told.out)
    row: dict[str, Any] = {"network": network, "precision": precision, "submit_s": wall_s, "exit": told.code}
    row["date"] = datetime.datetime.now(datetime.UTC).date().isoformat()
    if told.code:
        return {**row, "error": told.err[-800:]}
    (result,) = farm.client.results(answer["id"])
    attempts = farm.attempts(farm.client.status(answer["id"]))
    row["children_s"] = [round(item.child_ms / 1000, 2) for item in attempts]
    row["verdict"] = result.verification and result.verification.verdict
    row["errors"] = _errors(result.verification)
    phases = result.benchmark.phases if result.benchmark else {}
    row["median_ms"] = {phase: found.median_ms for phase, found in phases.items()}
    engine = folder / f"engine-{network}-{precision}"
    on_the_card(farm, "fetch", network, "--precision", precision, "-o", engine)
    on_the_card(farm, "run", engine)
    again = [on_the_card(farm, "bench", engine)["phases"]["compute"]["median_ms"] for _ in range(2)]
    graph = on_the_card(farm, "bench", engine, "--useCudaGraph")["phases"]["compute"]["median_ms"]
    row["compute_again_ms"], row["compute_graph_ms"] = again, graph
    row["bare"] = said(PYTHON, "tests.gpu.bare", str(engine / "engine.plan"))
    row["pytorch"] = said(sys.executable, "tests.gpu.baseline", network, precision, *COMPILE)
    return row


def _errors(report: VerificationReport | None) -> list[list[Any]]:
    return [[item.name, item.absolute.maximum, item.cosine] for item in report.outputs] if report else []


def on_the_card(farm: Fleet, *arguments: object) -> Any:
    """What a command prints with `--json` on the device."""
    command = [PYTHON, "-c", "from farm.cli.main import main; main()", *map(str, arguments), "--json"]
    told = _json(command, {"FARM_URL": farm.url, "FARM_TOKEN": farm.token})
    assert "error" not in told, told
    return told


def said(python: str, module: str, *arguments: str) -> Any:
    """What a module of these prints."""
    return _json([python, "-m", module, *arguments], {})


def _json(command: list[str], environ: dict[str, str]) -> Any:
    whole = {**os.environ, "PYTHONPATH": str(ROOT), **environ}
    try:
        told = subprocess.run(command, env=whole, capture_output=True, text=True, timeout=_LONGEST_S)
    except subprocess.TimeoutExpired:
        return {"error": f"did not end within {_LONGEST_S:g} s"}
    if told.returncode:
        return {"error": told.stderr[-800:]}
    return json.loads(told.stdout.splitlines()[-1] if command[1] == "-m" else told.stdout)


if __name__ == "__main__":
    main()
