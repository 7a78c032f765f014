"""The farm's numbers against a bare loop of CUDA events, turn by turn in one process."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from farm.protocol.options import BuildOptions
from farm.protocol.target import BuildTarget
from tests.support import models

from .agree import compared
from .engines import engine_of

_WITHIN = 0.01
# Two events and a launch are not told more exactly.
_JITTER_MS = 0.002


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
@pytest.mark.parametrize(("size", "channels", "blocks"), [(128, 128, 6), (256, 128, 6)])
def test_it_measures_what_a_bare_loop_measures(
    tmp_path: Path,
    target: BuildTarget,
    capsys: pytest.CaptureFixture[str],
    precision: str,
    size: int,
    channels: int,
    blocks: int,
) -> None:
    model = models.conv_net(size=size, channels=channels, blocks=blocks)
    engine_of(tmp_path, model, target, precision=precision).close()
    (plan,) = tmp_path.rglob("engine.plan")
    told = compared(plan, BuildOptions())
    with capsys.disabled():
        sys.stdout.write(f"\n{size} {channels} {blocks} {precision}: {json.dumps(told)}\n")
    for found in told.values():
        apart_ms = abs(found["farm_to_bare"] - 1) * found["bare_ms"]
        assert apart_ms <= max(_WITHIN * found["bare_ms"], _JITTER_MS), told
