"""Videos through the real PyAV, written and read again."""

from __future__ import annotations

import struct
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from farm.detect import video
from farm.protocol.errors import Invalid, NotFound, Unsupported

from .clips import RATE, clip, red_at
from .scenes import scene

# Of what H.264 makes of sharp edges.
_CLOSE = 60


def shown(path: Path) -> list[video.Shown]:
    with video.opened(path) as opened:
        return list(opened)


def test_a_video_is_its_pictures_and_when_they_are_shown(tmp_path: Path) -> None:
    path = clip(tmp_path / "clip.mp4")
    with video.opened(path) as opened:
        assert (opened.rate, opened.pictures) == (RATE, 7)
        found = list(opened)
    assert [round(item.at_s, 3) for item in found] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    for number, item in enumerate(found):
        difference = np.abs(np.asarray(item.image, int) - np.asarray(scene(red=red_at(number)), int))
        assert np.percentile(difference, 98) < _CLOSE
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


def test_odd_sides_get_a_row_more(tmp_path: Path) -> None:
    found = shown(clip(tmp_path / "clip.mp4", 2, (255, 191)))
    assert [item.image.size for item in found] == [(256, 192)] * 2
    difference = np.abs(np.asarray(found[0].image, int)[:191, :255] - np.asarray(scene((255, 191), red_at(0)), int))
    assert np.percentile(difference, 98) < _CLOSE


def test_pictures_of_other_sizes_become_as_large_as_the_first(tmp_path: Path) -> None:
    with video.Writer(tmp_path / "clip.mp4", RATE) as writer:
        for size in ((64, 48), (128, 96), (64, 48)):
            writer.add(video.Shown(Image.new("RGB", size, "blue"), 0.0))
    found = shown(tmp_path / "clip.mp4")
    assert [item.image.size for item in found] == [(64, 48)] * 3
    # Pictures that are shown at one moment come after each other.
    assert found[0].at_s < found[1].at_s < found[2].at_s


def test_a_video_is_turned_as_it_says(tmp_path: Path) -> None:
    """Phones write upright videos so: lying, with a matrix in the head that turns them."""
    path = clip(tmp_path / "clip.mp4", 2)
    content = bytearray(path.read_bytes())
    plain = struct.pack(">9i", 1 << 16, 0, 0, 0, 1 << 16, 0, 0, 0, 1 << 30)
    turned = struct.pack(">9i", 0, 1 << 16, 0, -(1 << 16), 0, 0, 192 << 16, 0, 1 << 30)
    place = content.index(plain, content.index(b"tkhd"))
    content[place : place + len(turned)] = turned
    path.write_bytes(content)
    found = shown(path)
    expected = np.rot90(np.asarray(scene(red=red_at(0)), int), -1)
    assert found[0].image.size == (192, 256)
    assert np.percentile(np.abs(np.asarray(found[0].image, int) - expected), 98) < _CLOSE


def test_a_video_that_breaks_off_gives_what_it_has(tmp_path: Path) -> None:
    """Of MPEG-TS, which can be read from its beginning without its end."""
    av: Any = import_module("av")
    path = tmp_path / "clip.ts"
    with av.open(str(path), "w", format="mpegts") as target:
        stream = target.add_stream("mpeg4", rate=RATE)
        stream.width, stream.height = 256, 192
        for number in range(40):
            target.mux(stream.encode(av.VideoFrame.from_image(scene(red=red_at(number % 8)))))
        target.mux(stream.encode(None))
    whole = len(shown(path))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert 0 < len(shown(path)) < whole == 40


@pytest.mark.parametrize("content", [b"", b"no video", b"\x00\x00\x00\x20ftypisom" + bytes(64)])
def test_what_is_no_video_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(content)
    with pytest.raises(Invalid, match=r"clip\.mp4 holds no video"):
        shown(tmp_path / "clip.mp4")


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        shown(tmp_path / "clip.mp4")


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="cannot write the video"), video.Writer(
        tmp_path / "no" / "c.mp4", RATE
    ) as writer:
        writer.add(video.Shown(scene(), 0.0))


def test_no_pictures_are_no_file(tmp_path: Path) -> None:
    with video.Writer(tmp_path / "clip.mp4", RATE):
        pass
    assert list(tmp_path.iterdir()) == []


def test_without_pyav_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(Unsupported) as told, video.opened(tmp_path / "clip.mp4"):
        pass
    assert told.value.hint == "Install it with pip install 'tensorrt-engine-farm[video]'."
