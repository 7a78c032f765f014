"""Comparing outputs of any size takes memory for a few chunks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[4]

PROGRAM = """
import resource
import numpy as np
from farm.protocol.options import VerifyPolicy
from farm.runtime.verify.verdict import judge

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
small = np.linspace(0, 1, 1000, dtype=np.float32)
judge({"y": small}, {"y": small}, VerifyPolicy())
count = (256 << 20) // 4
reference = np.arange(count, dtype=np.float32)
reference %= 1021
output = reference + np.float32(0.01)
before = peak()
report = judge({"y": output}, {"y": reference}, VerifyPolicy())
print(report.verdict, peak() - before)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_outputs() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=str(ROOT),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=280,
    )
    verdict, grown = done.stdout.split()
    assert verdict == "passed"
    assert int(grown) < 160 << 20
