from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# What a worker does: its child is started with `sys.executable` and an environment of nothing.
CHILD_OF_CHILD = """
import subprocess, sys
inner = '''
import json, ssl, sqlite3, sys
import celery, onnxruntime, worker
told = [list(sys.version_info[:2]), celery.__version__, onnxruntime.__version__, worker.__file__]
print(json.dumps(told))
'''
sys.exit(subprocess.run([sys.executable, "-c", inner], env={}, cwd="/").returncode)
"""


def test_the_children_of_its_children_find_the_worker_without_an_environment(python39: Path) -> None:
    done = subprocess.run([python39, "-c", CHILD_OF_CHILD], env={}, cwd="/", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    version, celery, onnxruntime, worker = json.loads(done.stdout)
    assert version in ([3, 8], [3, 9])
    assert (celery, onnxruntime) == ("5.5.3", "1.19.2")
    assert worker == str(Path(__file__).parents[2] / "worker/__init__.py")
