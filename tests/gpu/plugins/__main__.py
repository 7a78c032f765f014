"""The kernels of plugins on this machine's card, beside PyTorch: `python -m tests.gpu.plugins [AREA…] [--only TEXT]`.

A line of JSON for each row as it is measured, then the table for docs/hardware.md. Needs PyTorch, torchvision and nvcc.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from importlib import import_module
from typing import Any

# Modules of this package with `benches()`, each a plugin or two.
AREAS = (
    "deform_conv",
    "fused_attention",
    "grid_sampler",
    "instance_norm",
    "ms_deform_attn",
    "non_max_suppression",
    "roi_align",
    "running_extremum",
    "scatter_nd",
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the kernels of plugins beside PyTorch.")
    parser.add_argument("areas", nargs="*", help=f"of {', '.join(AREAS)}; all where none is named")
    parser.add_argument("--only", default="", help="cases whose name and type hold this text")
    parser.add_argument("--uncompiled", action="store_true", help="not beside torch.compile, which takes its time")
    parser.add_argument("--warm", action="store_true", help="only compile what is measured beside, into its cache")
    asked = parser.parse_args()
    if not set(asked.areas) <= set(AREAS):
        parser.error(f"there are {', '.join(AREAS)}")
    import torch  # type: ignore[import-not-found,unused-ignore]

    from .bench import copy_gb_s, measured, warmed

    bandwidth = copy_gb_s()
    about = {"card": torch.cuda.get_device_name(), "torch": torch.__version__, "copy_gb_s": round(bandwidth)}
    _say(about)
    rows = []
    for area in asked.areas or AREAS:
        for bench in import_module(f"{__package__}.{area}").benches():
            if asked.only not in f"{bench.case} {bench.dtype}":
                continue
            with torch.inference_mode():
                if asked.warm:
                    warmed(bench)
                    continue
                asked_for = replace(bench, compiled=bench.compiled and not asked.uncompiled)
                rows.append(measured(asked_for, bandwidth))
            _say(rows[-1])
    sys.stdout.write(table(about, rows))


def table(about: dict[str, Any], rows: list[dict[str, Any]]) -> str:
    """As Markdown."""
    lines = [
        f"{about['card']}, PyTorch {about['torch']}, copy {about['copy_gb_s']:,} GB/s",
        "",
        "| plugin | case | type | ms | of copy | others, ms | times faster | wanted |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        others = "; ".join(f"{name} {ms}" for name, ms in row["others_ms"].items())
        faster = "-" if row["times_faster"] is None else f"{row['times_faster']:.1f}x"
        cells = (
            row["plugin"],
            row["case"],
            row["dtype"],
            f"{row['ms']:.4g}",
            f"{row['copy_share']:.0%}",
            others,
            faster,
        )
        lines.append(f"| {' | '.join(cells)} | {row['wanted']}{'' if row['reached'] else ', missed'} |")
    return "\n".join(lines) + "\n"


def _say(found: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
