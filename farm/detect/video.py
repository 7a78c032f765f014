"""Videos: their pictures one by one, upright, and a new one made of such."""

from __future__ import annotations

import os
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Iterator, NamedTuple, Optional

from farm.protocol.errors import Invalid, NotFound, Unsupported

from .fitting import Size

if TYPE_CHECKING:
    from PIL.Image import Image

INSTALL = "Install it with pip install 'tensorrt-engine-farm[video]'."
SUFFIXES = frozenset((".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm"))
# MP4 under its names.
WRITTEN = frozenset((".m4v", ".mov", ".mp4"))

# In it the usual rates have whole numbers for each picture, and every codec can write it.
_CLOCK = 30000
_USUAL_RATE = Fraction(25)
# The best that this build of FFmpeg has.
_CODECS = (("libx264", {"crf": "20", "preset": "veryfast"}), ("mpeg4", {"qscale": "3"}))


class Shown(NamedTuple):
    """A picture of a video, and when it is shown."""

    image: Image
    at_s: float


class Video:
    """An open video.

    Attributes:
        rate: Pictures in a second, as far as it tells.
        pictures: How many it has, likewise; None where it does not tell.
    """

    def __init__(self, path: Path, container: Any) -> None:
        self._path = path
        self._container = container
        self._stream = container.streams.video[0]
        self._stream.thread_type = "AUTO"
        self.rate = Fraction(self._stream.average_rate or _USUAL_RATE)
        self.pictures: Optional[int] = self._stream.frames or None

    def __iter__(self) -> Iterator[Shown]:
        """Its pictures in their order.

        Raises: Invalid: it breaks off.
        """
        at_s = 0.0
        try:
            for number, frame in enumerate(self._container.decode(self._stream)):
                at_s = float(number / self.rate) if frame.time is None else frame.time
                yield Shown(_turned(frame.to_image(), self._degrees(frame)), at_s)
        except _errors() as error:
            raise Invalid(
                f"the video {self._path} breaks off after {at_s:.1f} s: {error.strerror}", "Copy it again."
            ) from error

    def _degrees(self, frame: Any) -> float:
        """How far it is to be turned counter-clockwise; before 14, PyAV tells that of the stream."""
        told = getattr(frame, "rotation", None)
        return float(self._stream.side_data.get("DISPLAYMATRIX", 0) if told is None else told)


@contextmanager
def opened(path: Path) -> Iterator[Video]:
    """A video for reading.

    Raises: NotFound, Invalid: it is none. Unsupported: PyAV is not installed.
    """
    av = _av()
    try:
        container = av.open(str(path))
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "Give a picture, a video, or a folder of them.") from None
    except _errors() as error:
        raise Invalid(f"{path} holds no video: {error.strerror}", "Give one that FFmpeg reads, such as MP4.") from error
    with container:
        if not container.streams.video:
            raise Invalid(f"{path} holds no video, only sound", "Give one with pictures.")
        yield Video(path, container)


class Writer:
    """A video in the making, in MP4 without sound; it gets its name when it is complete. Use it in a `with` statement.

    All pictures become as large as the first one. What was written before an error is kept.
    """

    def __init__(self, path: Path, rate: Fraction) -> None:
        self._path = path
        self._part = path.with_name(path.name + ".part")
        self._rate = rate
        self._container: Any = None
        self._stream: Any = None
        self._last = -1

    def add(self, shown: Shown) -> None:
        """The next picture.

        Raises: Invalid: it cannot be written.
        """
        av = _av()
        try:
            if self._container is None:
                self._begin(av, shown.image)
            size = (self._stream.width, self._stream.height)
            frame = av.VideoFrame.from_image(_sized(shown.image, size))
            self._last = max(self._last + 1, round(shown.at_s * _CLOCK))
            frame.pts, frame.time_base = self._last, Fraction(1, _CLOCK)
            self._container.mux(self._stream.encode(frame))
        except _errors() as error:
            raise _unwritable(self._path, error) from error

    def _begin(self, av: Any, image: Image) -> None:
        name, options = next(item for item in _CODECS if item[0] in av.codecs_available)
        self._container = av.open(str(self._part), "w", format="mp4")
        self._stream = self._container.add_stream(name, rate=self._rate, options=dict(options))
        # The usual form of colours halves both sides.
        self._stream.width, self._stream.height = (side + side % 2 for side in image.size)
        self._stream.pix_fmt = "yuv420p"
        self._stream.codec_context.time_base = Fraction(1, _CLOCK)

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *error: object) -> None:
        if self._container is None:
            return
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
            os.replace(str(self._part), str(self._path))
        except _errors() as failed:
            raise _unwritable(self._path, failed) from failed


def _unwritable(path: Path, error: Any) -> Invalid:
    return Invalid(f"cannot write the video {path}: {error.strerror}", "Choose another place with -o.")


def _turned(image: Image, degrees: float) -> Image:
    return image.rotate(degrees, expand=True) if degrees else image


def _sized(image: Image, size: Size) -> Image:
    """As large as the first picture; where it lacks a row or column to an even number, only that one is made up."""
    if image.size == size:
        return image
    scaled = image.resize(size)
    if all(0 <= whole - side <= 1 for side, whole in zip(image.size, size)):
        scaled.paste(image, (0, 0))
    return scaled


def _av() -> Any:
    try:
        import av
    except ImportError as error:
        raise Unsupported("videos are read by PyAV, which is not installed", INSTALL) from error
    # What its codecs find worth saying of a file is said by errors.
    av.logging.set_level(None)
    return av


def _errors() -> Any:
    return (_av().error.FFmpegError, OSError)
