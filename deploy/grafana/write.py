"""Writes the dashboards that Grafana reads, of the tables beside it: `python deploy/grafana/write.py`.

A dashboard in JSON is twenty lines of settings for each line that means something; people change the tables.
"""

from __future__ import annotations

import json
import sys
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
DATASOURCE = {"type": "prometheus", "uid": "farm-prometheus"}
_ACROSS = 24
_HEIGHTS = {"stat": 4, "lines": 8, "stack": 8}
# Units of Grafana; ours are levels that are green or red.
_UP = {"unit": "bool_yes_no", "thresholds": [("red", None), ("green", 1)]}
_BAD = {"unit": "short", "thresholds": [("green", None), ("red", 1)]}
_UNITS: dict[str, dict[str, Any]] = {"up": _UP, "bad": _BAD}


def dashboard(table: dict[str, Any]) -> dict[str, Any]:
    """A dashboard of its table."""
    return {
        "uid": table["uid"],
        "title": table["title"],
        "tags": ["farm"],
        "schemaVersion": 38,
        "version": 1,
        "editable": False,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": [_variable(item) for item in table.get("variables", ())]},
        "panels": _panels(table["rows"]),
    }


def _variable(item: dict[str, str]) -> dict[str, Any]:
    return {
        "name": item["name"],
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": item["query"], "refId": item["name"]},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }


def _panels(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        made.append(
            {
                "id": len(made) + 1,
                "type": "row",
                "title": row["title"],
                "gridPos": _place(0, y, _ACROSS, 1),
                "panels": [],
            }
        )
        x, y, line = 0, y + 1, 0
        for panel in row["panels"]:
            width, height = _width(row["panels"], panel), _HEIGHTS[panel["kind"]]
            if x + width > _ACROSS:
                x, y, line = 0, y + line, 0
            made.append({"id": len(made) + 1, **_panel(panel), "gridPos": _place(x, y, width, height)})
            x, line = x + width, max(line, height)
        y += line
    return made


def _width(panels: list[dict[str, Any]], panel: dict[str, Any]) -> int:
    """Of as many as share a line: small ones by eight at most, others by three."""
    alike = sum(item["kind"] == panel["kind"] for item in panels)
    return _ACROSS // min(alike, 8) if panel["kind"] == "stat" else _ACROSS // 3


def _place(x: int, y: int, width: int, height: int) -> dict[str, int]:
    return {"x": x, "y": y, "w": width, "h": height}


def _panel(panel: dict[str, Any]) -> dict[str, Any]:
    unit = _UNITS.get(panel["unit"], {"unit": panel["unit"], "thresholds": [("green", None)]})
    steps = [{"color": color, "value": value} for color, value in unit["thresholds"]]
    defaults: dict[str, Any] = {"unit": unit["unit"], "min": 0, "thresholds": {"mode": "absolute", "steps": steps}}
    made = {"title": panel["title"], "description": panel.get("text", ""), "datasource": DATASOURCE}
    if panel["kind"] == "stat":
        reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
        named = "name" if panel["unit"] == "none" else "auto"
        made |= {"type": "stat", "options": {"reduceOptions": reduced, "colorMode": "background", "textMode": named}}
    else:
        stacked = panel["kind"] == "stack"
        defaults["custom"] = {
            "fillOpacity": 30 if stacked else 0,
            "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        }
        legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
        made |= {"type": "timeseries", "options": {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}}
    return {**made, "fieldConfig": {"defaults": defaults, "overrides": []}, "targets": _targets(panel["queries"])}


def _targets(queries: list[dict[str, str]]) -> list[dict[str, Any]]:
    return [
        {
            "refId": chr(ord("A") + number),
            "datasource": DATASOURCE,
            "expr": query["expr"],
            "legendFormat": query.get("legend", "__auto"),
        }
        for number, query in enumerate(queries)
    ]


def main() -> None:
    """Write every dashboard, or say with `--check` which is not what its table says."""
    stale = []
    for path in sorted(HERE.glob("*.toml")):
        target = HERE / "dashboards" / f"{path.stem}.json"
        text = json.dumps(dashboard(tomllib.loads(path.read_text())), indent=2) + "\n"
        if "--check" not in sys.argv:
            target.write_text(text)
        elif not target.exists() or target.read_text() != text:
            stale.append(target.name)
    if stale:
        sys.exit(f"not what their tables say: {', '.join(stale)}. Run python deploy/grafana/write.py.")


if __name__ == "__main__":
    main()
