from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

from tests.support.stopwatch import Stopwatch

HELD_UP = """
import time
from tests.support.stopwatch import Stopwatch
with Stopwatch() as watch:
    print("begun", flush=True)
    time.sleep(0.3)
    time.sleep(0.1)
print(watch.span_s, watch.own_s)
"""


def test_a_wait_of_the_body_counts() -> None:
    with Stopwatch() as watch:
        time.sleep(0.3)
    assert 0.1 <= watch.own_s <= watch.span_s
    assert watch.span_s >= 0.3


def test_what_the_machine_takes_away_does_not_count() -> None:
    child = subprocess.Popen([sys.executable, "-c", HELD_UP], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    assert child.stdout.readline() == "begun\n"
    os.kill(child.pid, signal.SIGSTOP)
    time.sleep(1.0)
    os.kill(child.pid, signal.SIGCONT)
    span_s, own_s = map(float, child.communicate(timeout=30)[0].split())
    assert span_s >= 1.0
    assert own_s <= span_s - 0.8
