"""Which files an ONNX model consists of, found in the file itself: no ONNX library, constant memory at any size."""

from __future__ import annotations

import mmap
import os
import stat
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Dict, Iterator, List, NamedTuple, Optional, Tuple, Union

from .protocol.errors import Invalid
from .protocol.model import check_relative
from .protowire import SPAN, VARINT, Bytes, Malformed, Truncated, fields, text

# Message kind → field number → kind of the message inside, as in onnx.proto; what holds no tensor is left out.
INSIDE: Dict[str, Dict[int, str]] = {
    "model": {7: "graph", 20: "training", 25: "function"},
    "training": {1: "graph", 2: "graph"},
    "function": {7: "node", 11: "attribute"},
    "graph": {1: "node", 5: "tensor", 15: "sparse"},
    "node": {5: "attribute"},
    "attribute": {5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 22: "sparse", 23: "sparse"},
    "sparse": {1: "tensor", 2: "tensor"},
    "tensor": {},
}
_MODEL_WIRES = {1: VARINT, 5: VARINT, **dict.fromkeys((2, 3, 4, 6, 7, 8, 14, 20, 25, 26), SPAN)}
_IR_VERSION, _GRAPH = 1, 7
_TENSOR_NAME, _TENSOR_EXTERNAL_DATA, _TENSOR_LOCATION = 8, 13, 14
_EXTERNAL = 1
# Protobuf's own limit; a deeper file is an attack or an accident.
_DEEPEST = 100


class Message(NamedTuple):
    """A message somewhere in the file: its kind, where its content lies, and how deep it is nested."""

    kind: str
    start: int
    end: int
    depth: int = 0


@dataclass(frozen=True)
class ExternalFile:
    """A file of weights beside the model: its name as a relative path, and where it is."""

    name: str
    path: Path
    size_bytes: int


@contextmanager
def opened(path: Union[str, Path]) -> Iterator[Bytes]:
    """The bytes of an ONNX file, mapped and checked to be one at the top level.

    Raises: Invalid: it cannot be read, is cut off, or is something else.
    """
    path = Path(path)
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            if not size:
                raise Invalid(f"{path} is empty", "Give an ONNX file.")
            with mmap.mmap(stream.fileno(), size, access=mmap.ACCESS_READ) as data, _told(path):
                _check_model(data)
                yield data
    except OSError as error:
        raise Invalid(f"cannot read {path}: {error.strerror or error}", "Give the path of an ONNX file.") from error


def messages(data: Bytes, kind: str = "model") -> Iterator[Message]:
    """All messages of a file that may hold tensors, the outermost first, in file order.

    Raises: Malformed, Truncated
    """
    waiting = [Message(kind, 0, len(data))]
    while waiting:
        message = waiting.pop()
        yield message
        children = INSIDE[message.kind]
        if not children:
            continue
        if message.depth >= _DEEPEST:
            raise Malformed(f"messages are nested deeper than {_DEEPEST} at byte {message.start}")
        inner = []
        for field in fields(data, message.start, message.end):
            child = children.get(field.tag)
            if child is None:
                continue
            if field.wire != SPAN:
                raise Malformed(f"byte {field.start} should hold a {child}")
            inner.append(Message(child, field.start, field.end, message.depth + 1))
        waiting.extend(reversed(inner))


def external_files(path: Union[str, Path]) -> Tuple[ExternalFile, ...]:
    """The files of weights that a model on disk needs, each once, sorted by name; all exist and lie in its folder.

    Raises: Invalid: not an ONNX file, or a file of weights is missing, too short or outside of the folder.
    """
    path = Path(path)
    needed: Dict[str, int] = {}
    with opened(path) as data:
        for message in messages(data):
            if message.kind == "tensor":
                place = _place(data, message)
                if place is not None:
                    name, end = place
                    needed[name] = max(needed.get(name, 0), end)
    return tuple(_located(path, name, needed[name]) for name in sorted(needed))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except Truncated as error:
        raise Invalid(f"{path} is cut off: {error.message}", "Copy or export the model again.") from error
    except Malformed as error:
        raise Invalid(f"{path} is not an ONNX file: {error.message}", "Give an ONNX file.") from error


def _check_model(data: Bytes) -> None:
    seen: List[int] = []
    try:
        for field in fields(data, 0, len(data)):
            if field.wire != _MODEL_WIRES.get(field.tag, field.wire):
                raise Malformed(f"field {field.tag} at byte {field.start} has another type than in an ONNX model")
            seen.append(field.tag)
    except Truncated as error:
        if _IR_VERSION in seen:
            raise
        raise Malformed("it does not begin like an ONNX model") from error
    if _IR_VERSION not in seen or _GRAPH not in seen:
        raise Malformed("it has no " + ("graph" if _IR_VERSION in seen else "version of the ONNX format"))


def _place(data: Bytes, tensor: Message) -> Optional[Tuple[str, int]]:
    """Name of the external file of a tensor and the byte up to which it is needed; None for an embedded tensor."""
    name, entries, external = "", {}, False
    for field in fields(data, tensor.start, tensor.end):
        if field.tag == _TENSOR_NAME:
            name = text(data, field)
        elif field.tag == _TENSOR_EXTERNAL_DATA:
            if field.wire != SPAN:
                raise Malformed(f"byte {field.start} should hold where a tensor is stored")
            pair = {part.tag: text(data, part) for part in fields(data, field.start, field.end)}
            entries[pair.get(1, "")] = pair.get(2, "")
        elif field.tag == _TENSOR_LOCATION:
            external = field.number == _EXTERNAL
    if not external:
        return None
    if not entries.get("location"):
        raise Malformed(f"the tensor {name!r} is external, but names no file")
    numbers = [_whole(name, key, entries.get(key) or "0") for key in ("offset", "length")]
    return _relative(entries["location"]), sum(numbers)


def _whole(tensor: str, key: str, told: str) -> int:
    if not (told.isascii() and told.isdigit() and len(told) <= 20):
        raise Malformed(f"the tensor {tensor!r} has the {key} {told[:40]!r} in its file of weights")
    return int(told)


def _relative(location: str) -> str:
    """The location without `./`, which exporters may write; anything else that is not plain is refused."""
    return check_relative("/".join(part for part in location.split("/") if part != ".") or location)


def _located(model: Path, name: str, needed_bytes: int) -> ExternalFile:
    folder = model.parent
    path = folder / name
    inside = os.path.realpath(str(folder))
    if not os.path.realpath(str(path)).startswith(inside.rstrip(os.sep) + os.sep):
        raise Invalid(f"{path} is a link that leaves the folder of the model", "Copy the folder with cp -rL first.")
    try:
        status = path.stat()
    except OSError as error:
        reason = error.strerror or str(error)
        raise Invalid(f"{model} needs {name}, which cannot be read: {reason}", f"Put it into {folder}.") from error
    if not stat.S_ISREG(status.st_mode):
        raise Invalid(f"{model} needs {name}, which is not a file", f"Put it into {folder}.")
    if status.st_size < needed_bytes:
        raise Invalid(f"{path} is cut off: {status.st_size} bytes of {needed_bytes}", "Copy or export the model again.")
    return ExternalFile(name, path, status.st_size)
