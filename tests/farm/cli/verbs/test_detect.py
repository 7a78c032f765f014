"""`farm detect`: files in, files out, with networks whose answers are known."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from farm.cli.engine_text import manifest_fields
from farm.detect import read_picture
from farm.detect.found import PictureFound
from farm.detect.video import opened
from farm.protocol.codec import loads
from farm.protocol.detection import Detection
from farm.runtime.bundle import read_manifest

from ...detect.clips import clip, red_at
from ...detect.finders import LABELS, engine, network
from ...detect.scenes import GREEN, RED, SIZE, scene
from ..conftest import Farm

ORIENTATION = 0x0112


@pytest.fixture(scope="module")
def finder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An engine that finds both rectangles."""
    detection = Detection("yolov5", fit="letterbox", labels=LABELS)
    return engine(tmp_path_factory.mktemp("finder"), network("yolov5", ("n", 3, 96, 128)), detection)


def boxes(told: Any) -> dict[str, list[float]]:
    return {item["label"]: item["box"] for item in told["found"]}


def test_one_picture_becomes_one_with_boxes_and_json_beside_it(farm: Farm, finder: Path, tmp_path: Path) -> None:
    scene().save(tmp_path / "street.bmp")
    told = farm("detect", tmp_path / "street.bmp", "--engine", finder, "-o", tmp_path / "out" / "boxes.png")
    assert told.code == 0, told.err
    lines = [line.split() for line in told.out.splitlines()]
    assert lines[0] == ["LABEL", "SCORE", "LEFT", "TOP", "RIGHT", "BOTTOM"]
    assert [" ".join(line[:2]) for line in lines[1:]] == sorted(LABELS, reverse=True)
    assert lines[1][2:] == ["0.900", *(f"{side:.1f}" for side in RED)]
    assert "yolov5: pictures become 96x128 (letterbox); scores above 0.25 count" in told.err
    assert f"wrote {tmp_path / 'out' / 'boxes.png'}" in told.err
    found = json.loads((tmp_path / "out" / "boxes.json").read_text())
    assert boxes(found) == {LABELS[0]: list(RED), LABELS[1]: list(GREEN)}
    assert (found["width"], found["height"], found["source"]) == (*SIZE, str(tmp_path / "street.bmp"))
    drawn = np.asarray(read_picture(found["drawn"]))
    different = (drawn != np.asarray(scene())).any(-1)
    for left, top, right, bottom in (RED, GREEN):
        assert different[top : top + 2, left:right].any()
        different[top:bottom, left:right] = different[top - 20 : top, left : left + 96] = False
    assert not different.any()
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["boxes.json", "boxes.png"]


def test_boxes_are_in_the_picture_as_its_exif_turns_it(farm: Farm, finder: Path, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    # Lying as a phone saves it: turned back, it is the scene.
    scene().transpose(Image.Transpose.ROTATE_90).save(tmp_path / "phone.png", exif=exif)
    told = farm("detect", tmp_path / "phone.png", "--engine", finder, "-o", tmp_path / "out", "--json")
    (found,) = json.loads(told.out)["pictures"]
    assert (found["width"], found["height"]) == SIZE
    assert boxes(found) == {LABELS[0]: list(RED), LABELS[1]: list(GREEN)}
    assert read_picture(found["drawn"]).size == SIZE


def test_what_cannot_be_read_of_a_folder_stops_nothing_else(farm: Farm, finder: Path, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    (folder / "below").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "c.png"):
        scene().save(folder / name)
    scene().convert("L").save(folder / "grey.png")
    scene().convert("RGBA").save(folder / "see-through.png")
    (folder / "cut.png").write_bytes((folder / "a.png").read_bytes()[:300])
    (folder / "words.jpg").write_text("these are words")
    (folder / "notes.txt").write_text("not looked at")
    told = farm("detect", folder, "--engine", finder, "--batch", 4, "-o", tmp_path / "out", "--json")
    assert told.code == 2
    answer = json.loads(told.out)
    found = {Path(item["source"]).name: len(item["found"]) for item in answer["pictures"]}
    assert found == {"a.png": 2, "b.jpg": 2, "c.png": 2, "grey.png": 0, "see-through.png": 2}
    assert [Path(item["source"]).name for item in answer["failed"]] == ["cut.png", "words.jpg"]
    assert all(item["message"] and item["hint"] and item["code"] == "invalid" for item in answer["failed"])
    assert f"error: {folder / 'words.jpg'} holds no picture: its kind is not known. Give a JPEG" in told.err
    assert "left out, by their names neither pictures nor videos: notes.txt" in told.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"{Path(name).stem}{ending}"
        for name in found
        for ending in (".json", ".jpg" if name.endswith(".jpg") else ".png")
    )
    for item in answer["pictures"]:
        loads(PictureFound, (tmp_path / "out" / f"{Path(item['source']).stem}.json").read_text())
    table = farm("detect", folder / "a.png", folder / "grey.png", "--engine", finder, "-o", tmp_path / "again")
    assert table.code == 0
    assert table.out.splitlines()[1].split(maxsplit=3)[1:] == ["256x192", "2", "red thing, green thing"]
    # No bar: nobody looks.
    assert table.err.splitlines() == [
        "yolov5: pictures become 96x128 (letterbox); scores above 0.25 count",
        f"wrote 2 files with boxes, and JSON beside them, into {tmp_path / 'again'}",
    ]


def test_files_that_differ_in_their_endings_keep_each_their_own(farm: Farm, finder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    for name in ("a.png", "a.bmp", "other/a.png"):
        scene().save(tmp_path / name)
    names = [tmp_path / name for name in ("a.bmp", "a.png", "other/a.png")]
    assert farm("detect", *names, "--engine", finder, "-o", tmp_path / "out").code == 0
    written = sorted(path.name for path in (tmp_path / "out").glob("*.json"))
    assert written == ["a.json", "a.png.2.json", "a.png.json"]


def test_nothing_that_is_looked_at_is_written_over(farm: Farm, finder: Path, tmp_path: Path) -> None:
    scene().save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    for output in (tmp_path, tmp_path / "a.png"):
        told = farm("detect", tmp_path / "a.png", "--engine", finder, "-o", output)
        assert (told.code, "is looked at, and would be written over. Choose another" in told.err) == (2, True)
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_video_becomes_one_with_boxes_and_a_line_for_each_picture(farm: Farm, finder: Path, tmp_path: Path) -> None:
    clip(tmp_path / "drive.mp4")
    told = farm("detect", tmp_path / "drive.mp4", "--engine", finder, "--batch", 3, "-o", tmp_path / "out", "--json")
    assert told.code == 0, told.err
    (video,) = json.loads(told.out)["videos"]
    assert (video["pictures"], video["found"]) == (7, 14)
    lines = [json.loads(line) for line in Path(video["told"]).read_text().splitlines()]
    assert [line["at_s"] for line in lines] == [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    for number, line in enumerate(lines):
        # Edges of a video are not sharp, and a pixel of the input is two of the picture.
        np.testing.assert_allclose(boxes(line)[LABELS[0]], red_at(number), atol=2)
    with opened(Path(video["drawn"])) as made:
        pictures = list(made)
    assert len(pictures) == 7
    left, top, *_ = red_at(6)
    before, after = np.asarray(scene(red=red_at(6)), int), np.asarray(pictures[6].image, int)
    assert np.abs(before - after)[top - 16 : top - 2, left : left + 30].mean() > 30


def test_a_video_without_any_picture_stops_no_picture(farm: Farm, finder: Path, tmp_path: Path) -> None:
    scene().save(tmp_path / "a.png")
    (tmp_path / "empty.mp4").write_bytes(b"no video")
    told = farm("detect", tmp_path, "--engine", finder, "-o", tmp_path / "out")
    assert told.code == 2
    assert "empty.mp4 holds no video" in told.err
    assert (tmp_path / "out" / "a.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("absent.png",), "there is no file absent.png. Give a picture"),
        ((".",), ". holds no pictures and no videos. Give a folder with some"),
    ],
)
def test_nothing_to_look_at_is_told(
    farm: Farm, finder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: Any, said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    told = farm("detect", *words, "--engine", finder)
    assert (told.code, told.out) == (2, "")
    assert said in told.err


def test_an_engine_that_does_not_say_what_it_is_is_not_guessed_at(farm: Farm, tmp_path: Path) -> None:
    made = engine(tmp_path / "engine", network("yolov5"))
    scene().save(tmp_path / "a.png")
    told = farm("detect", tmp_path / "a.png", "--engine", made, "-o", tmp_path / "out")
    assert told.code == 2
    assert "the engine does not say how its answers are read: its outputs are detections (" in told.err
    assert "Give --as deformable-detr|detr|mask-rcnn|yolov5|yolov8, the kind of its network." in told.err
    (tmp_path / "names.txt").write_text("stop\n\n")
    flags = ("--as", "yolov5", "--labels", tmp_path / "names.txt", "--preprocess", "fit=stretch", "--top", 1)
    told = farm("detect", tmp_path / "a.png", "--engine", made, "-o", tmp_path / "out", *flags)
    assert told.out.splitlines()[1].split()[:2] == ["stop", "0.900"]
    assert len(told.out.splitlines()) == 2
    for words, said in (
        (("--preprocess", "fit"), "--preprocess 'fit' is not name=value"),
        (("--labels", tmp_path / "none.txt"), "there is no file"),
    ):
        again = farm("detect", tmp_path / "a.png", "--engine", made, "-o", tmp_path / "out", "--as", "yolov5", *words)
        assert said in again.err


def test_a_place_that_cannot_be_written_is_told(farm: Farm, finder: Path, tmp_path: Path) -> None:
    scene().save(tmp_path / "a.png")
    (tmp_path / "file").write_text("in the way")
    refused = farm("detect", tmp_path / "a.png", "--engine", finder, "-o", tmp_path / "out.psd")
    assert (refused.code, ".psd is read here, and not written. Name a file that ends with .png" in refused.err) == (
        2,
        True,
    )
    told = farm("detect", tmp_path / "a.png", "--engine", finder, "-o", tmp_path / "file" / "out")
    assert told.code == 2
    assert "cannot write" in told.err


def test_a_bar_is_shown_in_a_terminal(pty_farm: Farm, finder: Path, tmp_path: Path) -> None:
    scene().save(tmp_path / "a.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "b.png")
    told = pty_farm("detect", tmp_path, "--engine", finder, "-o", tmp_path / "one", env={"TERM": "xterm-256color"})
    assert told.code == 0, told.out
    assert "2/2" in told.out


def test_what_is_known_of_an_engine_tells_that_it_takes_pictures(finder: Path, folder: Path) -> None:
    known, silent = (dict(manifest_fields(read_manifest(path))) for path in (finder, folder))
    assert (known["pictures"], silent["pictures"]) == ("yolov5, letterbox", "")
