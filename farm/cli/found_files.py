"""What was found, written: pictures with boxes and JSON beside them, each in one step."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Iterator, TextIO

from farm.detect.found import PictureFound
from farm.protocol.codec import dumps
from farm.protocol.errors import Invalid

from .picture_files import Source

if TYPE_CHECKING:
    from PIL.Image import Image

# Of JPEG, where 75 would blur what somebody wants to look at.
_QUALITY = 92


def write_picture(source: Source, image: Image, told: PictureFound) -> None:
    """The picture with its boxes, and the JSON.

    Raises: Invalid: they cannot be written.
    """
    from farm.detect import drawn
    from farm.detect.pictures import pillow

    kind = pillow().registered_extensions()[source.drawn.suffix.lower()]
    with writing(source.drawn):
        part = source.drawn.with_name(f"{source.drawn.name}.part")
        with part.open("wb") as file:
            _save(drawn(image, told.found), file, kind, source.drawn)
        os.replace(str(part), str(source.drawn))
    with writing(source.told):
        part = source.told.with_name(f"{source.told.name}.part")
        part.write_text(dumps(told) + "\n", encoding="utf-8")
        os.replace(str(part), str(source.told))


def _save(image: Image, file: IO[bytes], kind: str, path: Path) -> None:
    try:
        image.save(file, kind, quality=_QUALITY)
    except ValueError as error:
        raise Invalid(f"{kind} cannot hold the picture {path}: {error}", "Name a PNG file with -o.") from error


@contextmanager
def lines_for(source: Source) -> Iterator[TextIO]:
    """The file of a video that gets a line for each of its pictures.

    Raises: Invalid: it cannot be written.
    """
    with writing(source.told), source.told.open("w", encoding="utf-8") as lines:
        yield lines


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Make the folder of a file, and let what fails in the block be one sentence.

    Raises: Invalid
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield
    except OSError as error:
        why = error.strerror or error
        raise Invalid(f"cannot write {path}: {why}", "Choose another place with -o.") from error
