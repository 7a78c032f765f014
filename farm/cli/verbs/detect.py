"""`farm detect`: objects in pictures and videos, found by a fetched engine on this machine."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence, Tuple, Union

import click

from farm.detect.found import PictureFound, VideoFound
from farm.protocol.errors import FarmError
from farm.protocol.exits import Exit
from farm.protocol.shapes import format_shape

from ..console import columns, emit_json, emit_table, say
from ..counting import Tell, counting
from ..format import CellLike
from ..looking import Failed, in_pictures, in_video
from ..options import json_option, option, verb
from ..picture_files import Source, Sources, sources
from ..words import pairs

if TYPE_CHECKING:
    from farm.detect import Detector, Manner

_OBJECTS = columns("label, score>, left>, top>, right>, bottom>")
_PICTURES = columns("picture, size, found>, objects~")
_VIDEOS = columns("video, pictures>, found>")
# Of names in a sentence.
_NAMED = 3


@verb()
@click.argument("given", metavar="PICTURE|FOLDER|VIDEO...", nargs=-1, required=True, type=click.Path())
@option("--engine", metavar="DIR", required=True, type=click.Path(), help="A folder that farm fetch wrote.")
@option(
    "--output",
    "-o",
    metavar="PATH",
    help="Folder for pictures with boxes and JSON, by default detected; for one picture or video, a file.",
)
@option("--threshold", type=click.FloatRange(0, 1), metavar="X", help="Least score; by default that of the network.")
@option("--top", type=click.IntRange(1), default=100, show_default=True, metavar="N", help="Most objects in a picture.")
@option(
    "--labels", "labels", type=click.Path(path_type=Path), metavar="FILE", help="Names of classes, one in each line."
)
@option(
    "--as",
    "kind",
    default="",
    metavar="KIND",
    help="How answers are read, where the engine does not say: deformable-detr, detr, mask-rcnn, yolov5 or yolov8.",
)
@option(
    "--overlap",
    type=click.FloatRange(0, 1),
    default=0.45,
    show_default=True,
    metavar="X",
    help="Of boxes of one class that share more, the best stays (YOLO).",
)
@option(
    "--HW",
    type=click.IntRange(1),
    nargs=2,
    metavar="H W",
    help="Size of the input, where any will do.",
)
@option("--batch", type=click.IntRange(1), metavar="N", help="Pictures at once, likewise.")
@option(
    "--preprocess",
    multiple=True,
    metavar="NAME=VALUE",
    help="mean, std, scale, order, fit or fill other than the "
    "engine says, as std=0.5/0.5/0.5 or fit=letterbox; may be repeated.",
)
@json_option
def detect(given: Sequence[str], engine: str, output: Optional[str], as_json: bool, **how: Any) -> int:
    r"""Find objects in pictures with a fetched engine, and draw boxes around them.

    Beside each picture with boxes, JSON tells what was found. Needs pip install 'tensorrt-engine-farm[detect]', and
    for videos tensorrt-engine-farm[video].

    \b
      farm detect street.jpg --engine engines/detr -o street-boxes.png
      farm detect photos/ drive.mp4 --engine engines/yolov5l -o boxes/ --threshold 0.4
    """
    from farm.detect import Detector

    found = sources(given, output)
    with Detector.open(engine, _manner(how)) as detector:
        say(_plan(detector))
        pictures, videos, failed = _look(detector, found)
    _say_rest(found, failed)
    if as_json:
        emit_json({"pictures": pictures, "videos": videos, "failed": [_told(item) for item in failed]})
    else:
        _show(pictures, videos)
    return max((item.error.exit_code for item in failed), default=Exit.DONE)


def _manner(how: Dict[str, Any]) -> Manner:
    from farm.detect import Manner
    from farm.detect.labels import read_labels

    return Manner(
        kind=how["kind"],
        threshold=how["threshold"],
        top=how["top"],
        overlap=how["overlap"],
        size=(how["hw"][1], how["hw"][0]) if how["hw"] else None,
        batch=how["batch"],
        labels=read_labels(how["labels"]) if how["labels"] else (),
        changes=pairs("--preprocess", how["preprocess"], str, "std=0.5/0.5/0.5"),
    )


def _plan(detector: Detector) -> str:
    """What happens to pictures, and what counts."""
    width, height = detector.input.size
    at_once = f", {detector.batch} at once" if detector.batch > 1 else ""
    return (
        f"{detector.kind}: pictures become {format_shape((height, width))} ({detector.detection.fit}){at_once}; "
        f"scores above {detector.limits.threshold:g} count"
    )


def _look(detector: Detector, found: Sources) -> Tuple[List[PictureFound], List[VideoFound], List[Failed]]:
    pictures: List[PictureFound] = []
    videos: List[VideoFound] = []
    failed: List[Failed] = []
    if found.pictures:
        with counting(len(found.pictures)) as tell:
            for item in in_pictures(detector, found.pictures, tell):
                failed.append(item) if isinstance(item, Failed) else pictures.append(item)
    for source in found.videos:
        outcome = _video(detector, source)
        failed.append(outcome) if isinstance(outcome, Failed) else videos.append(outcome)
    return pictures, videos, failed


def _video(detector: Detector, source: Source) -> Union[VideoFound, Failed]:
    with ExitStack() as stack:

        def begin(total: Optional[int]) -> Tell:
            return stack.enter_context(counting(total))

        try:
            return in_video(detector, source, begin)
        except FarmError as error:
            return Failed(str(source.path), error)


def _say_rest(found: Sources, failed: Sequence[Failed]) -> None:
    """What came to nothing, and why."""
    for item in failed:
        say(f"error: {item.error.message}. {item.error.hint}".rstrip())
    if found.left_out:
        names = ", ".join(path.name for path in found.left_out[:_NAMED])
        more = f" and {len(found.left_out) - _NAMED} more" if len(found.left_out) > _NAMED else ""
        say(f"left out, by their names neither pictures nor videos: {names}{more}")


def _show(pictures: Sequence[PictureFound], videos: Sequence[VideoFound]) -> None:
    if len(pictures) == 1 and not videos:
        emit_table(_OBJECTS, [_object(item) for item in pictures[0].found], "nothing found")
    elif pictures:
        emit_table(_PICTURES, [_picture(item) for item in pictures])
    if videos:
        emit_table(_VIDEOS, [(item.source, str(item.pictures), str(item.found)) for item in videos])
    _say_where([*(item.drawn or "" for item in pictures), *(item.drawn for item in videos)])


def _say_where(drawn: Sequence[str]) -> None:
    folders = sorted({str(Path(path).parent) for path in drawn})
    if len(drawn) == 1:
        say(f"wrote {drawn[0]}")
    elif drawn:
        say(f"wrote {len(drawn)} files with boxes, and JSON beside them, into {', '.join(folders)}")


def _object(item: Any) -> Tuple[CellLike, ...]:
    return (item.label, f"{item.score:.3f}", *(f"{side:.1f}" for side in item.box))


def _picture(item: PictureFound) -> Tuple[CellLike, ...]:
    """The labels with how often each was found."""
    counts: Dict[str, int] = {}
    for found in item.found:
        counts[found.label] = counts.get(found.label, 0) + 1
    objects = ", ".join(f"{count} {label}" if count > 1 else label for label, count in counts.items())
    return (item.source, f"{item.width}x{item.height}", str(len(item.found)), objects)


def _told(item: Failed) -> Dict[str, Any]:
    return {"source": item.source, "message": item.error.message, "hint": item.error.hint, "code": item.error.code}
