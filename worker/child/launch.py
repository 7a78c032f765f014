"""`python -m worker.child.launch MODULE WORKSPACE`: what a child runs first, before anything that could hang or crash.

It makes sure that nobody outlives the worker. A guardian, forked here while the process is small, waits until the
worker's end of the lifeline closes, and then ends the whole group: this process and whatever it started, whatever
they are busy with. A signal at the parent's death alone would leave grandchildren, such as compilers, behind.
"""

from __future__ import annotations

import os
import resource
import runpy
import signal
import sys
from pathlib import Path
from typing import Tuple

from farm.cycles import collect_seldom
from worker.settings import hidden_places, lifeline_descriptor, parent_process

from . import landlock
from .linux import die_with_parent, trace_nobody


def main() -> None:
    """Become the child."""
    module, workspace = sys.argv[1:3]
    collect_seldom()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    _trace_nobody()
    _prefer_for_oom_kill()
    lifeline = lifeline_descriptor()
    if lifeline is not None:
        # Until the guardian is there.
        die_with_parent(signal.SIGKILL)
        if os.getppid() != parent_process():
            os._exit(1)
        _fork_guardian(lifeline)
        os.close(lifeline)
        die_with_parent(0)
    _hide_secrets(workspace)
    sys.argv = [module, workspace]
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        _leave(ended.code)
        raise


def _leave(status: object) -> None:
    """End at once: what is left is in files and pipes, and taking a model and its runtimes apart takes seconds.

    Nor can a library that crashes in doing so spoil a result that is there.
    """
    if isinstance(status, int):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _fork_guardian(lifeline: int) -> None:
    if os.fork():
        return
    try:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        # The log ends when its last writer is gone: this is none.
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (1, 2):
            os.dup2(null, descriptor)
        while os.read(lifeline, 1):
            pass
        os.killpg(0, signal.SIGKILL)
    finally:
        os._exit(1)


def _trace_nobody() -> None:
    """Keep a build that runs as root from reading the token of its worker."""
    try:
        trace_nobody()
    except OSError:  # some containers give the one right without that to give it up
        return


def _hide_secrets(workspace: str) -> None:
    """Keep tokens in files, and all else that the worker keeps on the disk, from a build of the same user."""
    hidden = hidden_places()
    try:
        if hidden:
            landlock.confine(hidden, (workspace,), landlock.inside(hidden, _libraries()))
    except OSError:  # some containers forbid it
        return


def _libraries() -> Tuple[str, ...]:
    """Where this interpreter and everything it imports may lie."""
    # The packages by name: a checkout may be a folder that also holds what is to be hidden.
    package = Path(__file__).resolve().parents[1]
    return (sys.prefix, sys.base_prefix, *sys.path, str(package), str(package.with_name("farm")))


def _prefer_for_oom_kill() -> None:
    """Let the kernel end a build, not the worker, when memory runs out."""
    try:
        with open("/proc/self/oom_score_adj", "w", encoding="ascii") as score:
            score.write("1000")
    except OSError:  # some containers forbid it
        return


if __name__ == "__main__":
    main()
