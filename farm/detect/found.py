"""What was found in pictures, as it is given to an application and written as JSON. Standard library only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional, Tuple


@dataclass(frozen=True)
class Found:
    """One object.

    Attributes:
        label: Name of its class.
        number: Of its class.
        score: From 0 to 1.
        box: Left, top, right and bottom in pixels of the picture as it is looked at, from its upper left corner.
    """

    label: str
    number: int
    score: float
    box: Tuple[float, ...]


@dataclass(frozen=True)
class PictureFound:
    """A picture, or one of a video, with what was found in it.

    Attributes:
        source: The file.
        width: In pixels, after it was turned as its EXIF says.
        height: Likewise.
        found: The best first.
        at_s: Of a picture of a video: when it is shown.
        drawn: The picture with boxes; of one of a video None.
    """

    source: str
    width: int
    height: int
    found: Tuple[Found, ...]
    at_s: Optional[float] = None
    drawn: Optional[str] = None


@dataclass(frozen=True)
class VideoFound:
    """A video.

    Attributes:
        source: The file.
        pictures: How many it has.
        found: Objects in all of them together.
        drawn: The video with boxes.
        told: The file with a line of JSON for each picture.
    """

    source: str
    pictures: int
    found: int
    drawn: str
    told: str
