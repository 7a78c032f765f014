"""Which way to write a network is fastest: `python -m tests.gpu.trials FOLDER NETWORK TRIAL…`, a JSON file for each.

Each trial is the network after the graph steps of its name, built without the farm; a timing cache is shared, so that
convolutions are timed once. Ends in time: a trial that would not fit into what is left is left for another call.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from tests.worker.host.graph.stepping import UNMEASURED
from worker.host.graph.steps import parameters_of, step
from worker.host.graph.walk import graphs

from .networks import export
from .rewrites import exps, heads, rows

PYTHON = os.environ.get("FARM_GPU_PYTHON", sys.executable)
_LEFT_S = float(os.environ.get("FARM_GPU_LEFT_S", "560"))
_COLD_S, _WARM_S = 260, 110
_ENDS = "layernorm"
_JOINED = ("fold", "factors", "projections", "infer_shapes")
_CONVOLVED = ("fold", "factors", "convolutions", "infer_shapes")

Model = Any

TRIALS: dict[str, tuple[str, ...]] = {
    "today": ("fold", "simplify", "infer_shapes", _ENDS),
    "folded": ("fold", "infer_shapes", _ENDS),
    "joined": (*_JOINED, _ENDS),
    "heads": (*_JOINED, "heads", "infer_shapes", _ENDS),
    "convolved": (*_CONVOLVED, _ENDS),
    "norms": (*_CONVOLVED, "layernorm_plugin", _ENDS),
    "exps": (*_CONVOLVED, "exps", _ENDS),
    "rows": (*_CONVOLVED, "rows", "layernorm_plugin", _ENDS),
    "both": (*_CONVOLVED, "exps", "renamed"),
}


def main() -> None:
    """Measure the trials that are missing."""
    began_s = time.monotonic()
    folder = Path(sys.argv[1]).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    network, names = sys.argv[2], sys.argv[3:]
    source = export(network, folder)
    cache = folder / f"{network}.cache"
    missing = [name for name in names if not (folder / f"{network}-{name}.json").exists()]
    with ProcessPoolExecutor(len(missing) or 1) as pool:
        # All at once: beside a build, which waits for the card, the processor has nothing to do.
        made = {name: pool.submit(_changed, source, _work(folder, network, name)) for name in missing}
        for name in missing:
            if time.monotonic() - began_s + (_WARM_S if cache.exists() else _COLD_S) > _LEFT_S:
                continue
            found: dict[str, Any] = {"operators": made[name].result()}
            left_s = _LEFT_S - (time.monotonic() - began_s)
            found.update(trial(_work(folder, network, name), cache, left_s))
            (folder / f"{network}-{name}.json").write_text(json.dumps(found, indent=1))
            sys.stdout.write(f"{name}: {json.dumps(found)}\n")
            sys.stdout.flush()


def _work(folder: Path, network: str, name: str) -> Path:
    return folder / f"trial-{network}-{name}"


def trial(work: Path, cache: Path, left_s: float) -> dict[str, Any]:
    """One network, built and measured."""
    command = [PYTHON, "-m", "tests.gpu.bare_build", str(work / "model.onnx"), str(work), "--cache", str(cache)]
    try:
        told = subprocess.run(command, capture_output=True, text=True, timeout=max(left_s, 1))
    except subprocess.TimeoutExpired:
        return {"error": "no time left"}
    if told.returncode:
        return {"error": (told.stdout + told.stderr)[-1500:]}
    found: dict[str, Any] = {**json.loads(told.stdout.splitlines()[-1]), "said": told.stderr[-400:]}
    found["slowest"] = json.loads((work / "layers.json").read_text())[:12]
    return found


def _changed(source: Path, work: Path) -> int:
    import onnx

    model = onnx.load(str(source))
    for name in TRIALS[work.name.rsplit("-", 1)[1]]:
        model = _OWN[name](model) if name in _OWN else _applied(model, name)
    work.mkdir(exist_ok=True)
    onnx.save(model, str(work / "model.onnx"))
    return len(model.graph.node)


def _applied(model: Model, name: str) -> Model:
    from farm.protocol.keys import StepCall

    call = StepCall(name)
    # No trial needs to be right to be timed: what overflows is measured where a farm prepares it.
    return step(name).apply(model, parameters_of(call), UNMEASURED)


def _renamed(model: Model) -> Model:
    """LayerNormalization as NVIDIA's plugin, where the library has it."""
    for graph in graphs(model.graph):
        for node in graph.node:
            if node.op_type == "LayerNormalization":
                node.op_type = "LayerNorm"
                for attribute in list(node.attribute):
                    if attribute.name not in ("epsilon",):
                        node.attribute.remove(attribute)
    return model


_OWN: dict[str, Callable[[Model], Model]] = {"renamed": _renamed, "heads": heads, "exps": exps, "rows": rows}


if __name__ == "__main__":
    main()
