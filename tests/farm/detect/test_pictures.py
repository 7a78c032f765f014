from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from farm.detect import pictures, read_picture
from farm.protocol.errors import Invalid, NotFound, Unsupported

RANDOM = np.random.default_rng(1).integers(0, 256, (6, 9, 3), dtype=np.uint8)
ORIENTATION = 0x0112


def saved(folder: Path, image: Image.Image, name: str = "picture.png") -> Path:
    image.save(folder / name)
    return folder / name


def test_a_picture_is_as_it_was_saved(tmp_path: Path) -> None:
    found = read_picture(saved(tmp_path, Image.fromarray(RANDOM)))
    assert found.mode == "RGB"
    np.testing.assert_array_equal(np.asarray(found), RANDOM)


@pytest.mark.parametrize(("orientation", "turned"), [(3, 2), (6, 3), (8, 1)])
def test_exif_turns_it(tmp_path: Path, orientation: int, turned: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    Image.fromarray(RANDOM).save(tmp_path / "turned.png", exif=exif)
    found = read_picture(tmp_path / "turned.png")
    np.testing.assert_array_equal(np.asarray(found), np.rot90(RANDOM, turned))


def test_damaged_exif_does_not_matter(tmp_path: Path) -> None:
    Image.fromarray(RANDOM).save(tmp_path / "picture.png", exif=b"Exif\x00\x00MM\x00*\x00\x00\x00\xff")
    np.testing.assert_array_equal(np.asarray(read_picture(tmp_path / "picture.png")), RANDOM)


def test_grey_becomes_colours(tmp_path: Path) -> None:
    grey = RANDOM[..., 0]
    for mode in ("L", "P"):
        found = read_picture(saved(tmp_path, Image.fromarray(grey).convert(mode)))
        np.testing.assert_array_equal(np.asarray(found), np.stack([grey] * 3, -1))
    found = read_picture(saved(tmp_path, Image.fromarray(grey > 127)))
    np.testing.assert_array_equal(np.asarray(found)[..., 1], np.where(grey > 127, 255, 0))


def test_sixteen_bits_become_eight(tmp_path: Path) -> None:
    grey = np.array([[0, 257, 128 * 257, 65535], [200, 300, 65000, 40000]], np.uint16)
    for name in ("grey.png", "grey.tif"):
        found = np.asarray(read_picture(saved(tmp_path, Image.fromarray(grey), name)))
        np.testing.assert_array_equal(found[..., 0], np.round(grey / 257).astype(np.uint8))


def test_what_is_transparent_is_white(tmp_path: Path) -> None:
    alpha = np.zeros((6, 9, 1), np.uint8)
    alpha[:, :4] = 255
    found = np.asarray(read_picture(saved(tmp_path, Image.fromarray(np.concatenate([RANDOM, alpha], 2)))))
    np.testing.assert_array_equal(found[:, :4], RANDOM[:, :4])
    assert (found[:, 4:] == 255).all()


def test_of_several_pictures_it_is_the_first(tmp_path: Path) -> None:
    first, second = (Image.new("RGB", (4, 4), colour) for colour in ("red", "blue"))
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    assert read_picture(tmp_path / "moving.gif").getpixel((1, 1)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no picture: it is empty. Give a JPEG, PNG"),
        (b"these are words", "holds no picture: its kind is not known. Give a JPEG"),
        (b"\x89PNG\r\n\x1a\n" + bytes(40), "cannot be read|holds no picture"),
    ],
)
def test_what_is_no_picture_is_told(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "picture.png").write_bytes(content)
    with pytest.raises(Invalid) as told:
        read_picture(tmp_path / "picture.png")
    assert any(word in f"{told.value.message}. {told.value.hint}" for word in said.split("|"))


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="there is no file"):
        read_picture(tmp_path / "absent.png")


@pytest.mark.parametrize("name", ["cut.jpg", "cut.png", "cut.tif", "cut.webp", "cut.gif", "cut.bmp"])
def test_pictures_cut_off_anywhere_are_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    Image.fromarray(np.kron(RANDOM, np.ones((9, 9, 1), np.uint8))).save(path)
    whole = path.read_bytes()
    for part in range(1, 8):
        path.write_bytes(whole[: len(whole) * part // 8])
        with pytest.raises(Invalid, match="cut"):
            read_picture(path)


def test_bytes_that_changed_are_a_picture_or_a_sentence(tmp_path: Path) -> None:
    """A reader may see it, or not; nothing else may come of it."""
    random = np.random.default_rng(4)
    for name in ("picture.jpg", "picture.png", "picture.tif", "picture.webp", "picture.gif"):
        path = tmp_path / name
        Image.fromarray(RANDOM).save(path)
        whole = np.frombuffer(path.read_bytes(), np.uint8)
        for _ in range(30):
            changed = whole.copy()
            changed[random.integers(0, len(whole), 4)] = random.integers(0, 256, 4)
            path.write_bytes(changed.tobytes())
            with suppress(Invalid):
                assert read_picture(path).mode == "RGB"


def test_a_picture_of_far_too_many_pixels_is_not_opened(tmp_path: Path) -> None:
    """Its head says 60000 x 60000; that is all that is read of it."""
    path = saved(tmp_path, Image.new("1", (16, 16)), "huge.bmp")
    content = bytearray(path.read_bytes())
    content[18:26] = (60000).to_bytes(4, "little") * 2
    path.write_bytes(content)
    with pytest.raises(Invalid, match=r"too large a picture: image size \(3600000000 pixels\)"):
        read_picture(path)


def test_fractions_are_no_colours(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.fromarray(np.ones((4, 4), np.float32)), "depth.tif")
    with pytest.raises(Invalid, match="fractions in the place of colours"):
        read_picture(path)


def test_names_of_pictures_are_known() -> None:
    assert {".jpg", ".jpeg", ".png", ".webp", ".tif", ".bmp"} <= pictures.suffixes()
    assert not {".txt", ".json", ".onnx"} & pictures.suffixes()


def test_without_pillow_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(Unsupported) as told:
        read_picture("street.jpg")
    assert told.value.hint == "Install it with pip install 'tensorrt-engine-farm[detect]'."
