"""Looking at pictures and videos of files, and writing what is found; a file that fails stops no other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Callable, Iterable, Iterator, List, Optional, Sequence, Tuple, TypeVar, Union

from farm.detect.found import PictureFound, VideoFound
from farm.protocol.codec import dumps
from farm.protocol.errors import FarmError, NumericsFailed

from .counting import Tell
from .found_files import lines_for, write_picture, writing
from .picture_files import Source

if TYPE_CHECKING:
    from PIL.Image import Image

    from farm.detect import Detector

T = TypeVar("T")


@dataclass(frozen=True)
class Failed:
    """A file in which nothing could be looked for, or not to its end."""

    source: str
    error: FarmError


def in_pictures(detector: Detector, sources: Iterable[Source], tell: Tell) -> Iterator[Union[PictureFound, Failed]]:
    """What is in each picture, as many at once as the engine takes; boxes and JSON are written.

    Raises: FarmError: the engine cannot be used so, or nothing can be written.
    """
    from farm.detect import read_picture

    for some in _batches(sources, detector.batch):
        read: List[Tuple[Source, Image]] = []
        for source in some:
            try:
                read.append((source, read_picture(source.path)))
            except FarmError as error:
                yield Failed(str(source.path), error)
        yield from _looked_at(detector, read)
        tell(some[-1].path.name, len(some))


def in_video(detector: Detector, source: Source, begin: Callable[[Optional[int]], Tell]) -> VideoFound:
    """What is in each picture of a video; a video with boxes is written, and a line of JSON for each picture.

    Args:
        detector: Looks at them.
        source: The video.
        begin: Told how many pictures there will be, as far as is known; gives what to call with each.

    Raises: FarmError: it is no video, or breaks off; what was looked at until then is written.
    """
    from farm.detect import drawn, video

    count = total = 0
    with video.opened(source.path) as opened, writing(source.drawn):
        tell = begin(opened.pictures)
        with lines_for(source) as lines, video.Writer(source.drawn, opened.rate) as writer:
            for some in _batches(opened, detector.batch):
                for shown, found in zip(some, detector.detect([shown.image for shown in some])):
                    size = shown.image.size
                    told = PictureFound(str(source.path), *size, found=found, at_s=round(shown.at_s, 3))
                    lines.write(dumps(told) + "\n")
                    writer.add(video.Shown(drawn(shown.image, found), shown.at_s))
                    count, total = count + 1, total + len(found)
                tell(source.path.name, len(some))
    return VideoFound(str(source.path), count, total, str(source.drawn), str(source.told))


def _looked_at(detector: Detector, read: Sequence[Tuple[Source, Image]]) -> Iterator[Union[PictureFound, Failed]]:
    try:
        found = detector.detect([image for _, image in read])
    except NumericsFailed as error:
        yield from (Failed(str(source.path), error) for source, _ in read)
        return
    for (source, image), objects in zip(read, found):
        told = PictureFound(str(source.path), image.width, image.height, objects, drawn=str(source.drawn))
        write_picture(source, image, told)
        yield told


def _batches(items: Iterable[T], size: int) -> Iterator[List[T]]:
    """Lists of so many; where an error ends the items, those before it come first."""
    some: List[T] = []
    try:
        for item in items:
            some.append(item)
            if len(some) == size:
                yield some
                some = []
    except FarmError:
        if some:
            yield some
        raise
    if some:
        yield some
