"""The rows that were measured, as a table for docs/hardware.md."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

_HEAD = ("row", "compute", "again", "CUDA graph", "bare", "PyTorch eager", "compiled", "greatest error", "submit, s")
# What a submission takes beside the processes that prepare and build.
_BUILD = ("beside, s", "TensorRT, s", "warm, s")

Row = dict[str, Any]


def table(folder: Path) -> str:
    """In Markdown; milliseconds unless the column says otherwise."""
    parts: dict[str, dict[str, Row]] = defaultdict(dict)
    for path in sorted(folder.glob("*-*.json")):
        told = json.loads(path.read_text())
        if "part" in told and not path.name.startswith("failed-"):
            parts[f"{told['network']}-{told['precision']}"][told["part"]] = told
    head = (*_HEAD, *_BUILD)
    lines = [" | ".join(("", *head, "")).strip(), "|" + "---|" * len(head)]
    lines += [" | ".join(("", *_cells(name, row), "")).strip() for name, row in sorted(parts.items())]
    return "\n".join(lines) + "\n"


def _cells(name: str, parts: dict[str, Row]) -> tuple[str, ...]:
    farm, warm, pytorch = (parts.get(part, {}) for part in ("farm", "warm", "pytorch"))
    if "shapes" in parts:
        farm = {**parts["shapes"], "compute_again_ms": list(parts["shapes"].get("compute_ms", {}).values())}
    errors = [error[1] for error in farm.get("errors", []) if error[1] is not None]
    again = farm.get("compute_again_ms", [])
    graph = farm.get("compute_graph_ms")
    return (
        name,
        _ms(farm.get("median_ms", {}).get("compute")),
        ", ".join(_ms(item) for item in again) or "-",
        ", ".join(_ms(item) for item in graph.values()) if isinstance(graph, dict) else _ms(graph),
        _ms(farm.get("bare", {}).get("median_ms")),
        _ms(_best(pytorch, "eager")),
        _ms(_best(pytorch, "compiled")),
        f"{max(errors):.1e}" if errors else farm.get("error", "-")[:60] or "-",
        _s(farm.get("submit_s")),
        _s(farm["submit_s"] - sum(farm["children_s"]) if "children_s" in farm else None),
        _s(farm.get("effective", {}).get("build_s")),
        _s(warm.get("effective", {}).get("build_s")),
    )


def _best(pytorch: Row, kind: str) -> float | None:
    return min((value for name, value in pytorch.items() if name.startswith(kind)), default=None)


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _s(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
