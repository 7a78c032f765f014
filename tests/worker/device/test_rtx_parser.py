from __future__ import annotations

from pathlib import Path

from worker.device.rtx_parser import with_folder


def test_libraries_are_looked_for_in_one_folder_more_and_only_once() -> None:
    environ = {"PATH": "/bin", "LD_LIBRARY_PATH": "/cuda:/own"}
    made = with_folder(environ, Path("/ws/rtx"))
    assert made == {"PATH": "/bin", "LD_LIBRARY_PATH": "/ws/rtx:/cuda:/own"}
    assert with_folder(made, Path("/ws/rtx")) is None
    assert with_folder({}, Path("/ws/rtx")) == {"LD_LIBRARY_PATH": "/ws/rtx"}
