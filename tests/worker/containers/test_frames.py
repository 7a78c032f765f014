from __future__ import annotations

import pytest

from farm.protocol.errors import Invalid
from worker.containers.frames import DATA, FILE, Frames, frame


@pytest.mark.parametrize("step", [1, 3, 1000])
def test_frames_come_whole_however_they_are_cut(step: int) -> None:
    heard: list[tuple[bytes, bytes]] = []
    frames = Frames({FILE: lambda data: heard.append((FILE, data)), DATA: lambda data: heard.append((DATA, data))})
    said = frame(FILE, b"name") + frame(DATA, b"") + frame(DATA, bytes(300))
    for at in range(0, len(said), step):
        frames.feed(said[at : at + step])
    assert heard == [(FILE, b"name"), (DATA, b""), (DATA, bytes(300))]


@pytest.mark.parametrize("said", [b"Traceback", frame(b"Z", b""), b"D\xff\xff\xff\xff"])
def test_what_is_no_frame_is_an_error(said: bytes) -> None:
    with pytest.raises(Invalid, match="no frame"):
        Frames({DATA: lambda data: None}).feed(said)
