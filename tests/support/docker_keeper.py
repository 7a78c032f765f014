"""`python -m tests.support.docker_keeper FOLDER`: a Docker engine in name spaces of its own, for as long as it is used.

Users hold a shared lock on `FOLDER/users`, which the kernel takes back from whoever dies. When nobody holds it more,
the engine and all its containers end with their process name space, and the folder goes. The machine's own engine, its
interfaces, its firewall and its mounts are not touched.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from orchestrator.queue.lifeline import dies_with_parent

# bash, since the first process of a name space has to collect what its children leave. `dockerd` gets new folders for
# its sockets each time: what an engine left there makes the next one wait for a process that is not its own.
_INSIDE = """
set -e
ip link set lo up
# In memory: an image is ten thousand small files, and each layer waits for the disk several times.
mkdir -p "$1/data"
mount -t tmpfs -o size=8g farm-test-docker "$1/data"
exec >"$1/dockerd.log" 2>&1 </dev/null
dockerd --host "unix://$1/docker.sock" --data-root "$1/data" --exec-root "$1/exec" --pidfile "$1/pid" \
    --cgroup-parent "$2" --group root &
wait
"""
_UNSHARE = ("unshare", "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc")


def main() -> None:
    """Keep it."""
    folder = Path(sys.argv[1])
    keeper = os.fork()
    if keeper:
        # Whoever started this goes on at once, and may end before others who use the engine.
        (folder / "keeper").write_text(str(keeper))
        return
    os.setsid()
    # A group of control groups of its own, so that what is left of it can be told from another engine's.
    parent = f"/farm-test-{os.getpid()}"
    kept = subprocess.Popen(
        [*_UNSHARE, "bash", "-c", _INSIDE, "engine", str(folder), parent],
        preexec_fn=dies_with_parent(signal.SIGKILL),
    )
    with (folder / "users").open() as users:
        fcntl.flock(users, fcntl.LOCK_EX)
    # `unshare` heeds no other signal; its child, and so everything inside, dies with it.
    kept.kill()
    kept.wait()
    _remove_groups(parent)
    shutil.rmtree(folder, ignore_errors=True)


def _remove_groups(parent: str) -> None:
    for group in Path("/sys/fs/cgroup").glob(f"*{parent}"):
        for inner in sorted(group.rglob("*/"), reverse=True):
            with suppress(OSError):
                inner.rmdir()
        with suppress(OSError):
            group.rmdir()


if __name__ == "__main__":
    main()
