"""Pictures and videos on the command line, and the files that are written for them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Callable, Dict, FrozenSet, List, Optional, Sequence, Set, Tuple

from farm.protocol.errors import Invalid, NotFound

_FOLDER = "detected"
_JPEG = (".jpg", ".jpeg")


@dataclass(frozen=True)
class Source:
    """A file to look at, and those that come of it.

    Attributes:
        drawn: The picture or video with boxes.
        told: What was found, as JSON.
    """

    path: Path
    video: bool
    drawn: Path
    told: Path


@dataclass(frozen=True)
class Sources:
    """What the command line names.

    Attributes:
        left_out: Files in folders whose names are not those of pictures or videos.
    """

    pictures: Tuple[Source, ...]
    videos: Tuple[Source, ...]
    left_out: Tuple[Path, ...]


def sources(words: Sequence[str], output: Optional[str]) -> Sources:
    """The files to look at, those in folders too, and what is written for each.

    Args:
        words: Pictures, videos and folders.
        output: The folder for what is written; for one picture or video a file, if its name ends like one.

    Raises: NotFound, Invalid: there is nothing to look at, or a file would be written over one that is looked at.
    """
    from farm.detect import pictures, video

    endings = pictures.suffixes()
    named, left_out = _named(words, lambda path: path.suffix.lower() in endings | video.SUFFIXES)
    is_video = [path.suffix.lower() in video.SUFFIXES for path in named]
    into = Path(output or _FOLDER)
    alone = len(named) == 1 and not Path(words[0]).is_dir() and not into.is_dir()
    if alone and into.suffix.lower() in (video.SUFFIXES if is_video[0] else endings):
        _check_kind(into, video.WRITTEN if is_video[0] else pictures.writable())
        found = [_source(named[0], is_video[0], into)]
    else:
        found = _in_folder(named, is_video, into)
    _check_kept(found)
    still, moving = ([item for item in found if item.video is wanted] for wanted in (False, True))
    return Sources(tuple(still), tuple(moving), left_out)


def _named(words: Sequence[str], known: Callable[[Path], bool]) -> Tuple[List[Path], Tuple[Path, ...]]:
    """Each file once, and what of the folders is left out."""
    found: Dict[Path, None] = {}
    left_out: List[Path] = []
    for word in words:
        path = Path(word)
        if not path.is_dir():
            if not path.exists():
                raise NotFound(f"there is no file {path}", "Give a picture, a video, or a folder of them.")
            found[path] = None
            continue
        inside = _files(path)
        found.update((item, None) for item in inside if known(item))
        left_out += [item for item in inside if not known(item)]
    if not found:
        raise NotFound(f"{words[0]} holds no pictures and no videos", "Give a folder with some, or a file.")
    return list(found), tuple(left_out)


def _files(folder: Path) -> List[Path]:
    try:
        return sorted(item for item in folder.iterdir() if item.is_file())
    except OSError as error:
        raise Invalid(f"the folder {folder} cannot be read: {error.strerror}", "Give another one.") from error


def _check_kind(path: Path, kinds: FrozenSet[str]) -> None:
    if path.suffix.lower() not in kinds:
        example = ".mp4" if ".mp4" in kinds else ".png"
        raise Invalid(f"{path.suffix} is read here, and not written", f"Name a file that ends with {example}.")


def _in_folder(paths: Sequence[Path], is_video: Sequence[bool], folder: Path) -> List[Source]:
    """Each under its own name; where two differ in the ending alone, under the whole of it."""
    taken: Set[str] = set()
    found = []
    for path, video in zip(paths, is_video):
        ending = ".mp4" if video else path.suffix if path.suffix.lower() in _JPEG else ".png"
        name, number = path.stem, 1
        while name in taken:
            name, number = (path.name, 2) if name == path.stem else (f"{path.name}.{number}", number + 1)
        taken.add(name)
        found.append(_source(path, video, folder / f"{name}{ending}"))
    return found


def _source(path: Path, video: bool, drawn: Path) -> Source:
    return Source(path, video, drawn, drawn.with_name(f"{drawn.stem}.json{'l' if video else ''}"))


def _check_kept(found: Sequence[Source]) -> None:
    """Nothing that is looked at is written over."""
    given = {os.path.realpath(str(item.path)) for item in found}
    for item in found:
        for path in (item.drawn, item.told):
            if os.path.realpath(str(path)) in given:
                raise Invalid(f"{path} is looked at, and would be written over", "Choose another place with -o.")
