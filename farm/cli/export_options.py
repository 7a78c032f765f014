"""How `farm export` and `farm submit --export` are told which network to write, and what writes it."""

from __future__ import annotations

import tempfile
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Mapping

import click

from farm.protocol.errors import Invalid

from .console import say
from .group import from_group
from .options import SectionOption, option

Decorator = Callable[[Any], Any]
# A function of the name, the path and these options by name, which gives what is told of the file.
Write = Callable[..., Mapping[str, Any]]

ENTRY_POINTS = "farm.exporters"
_SECTION = "Which network"
_network = partial(option, section=_SECTION)
NETWORK_OPTIONS: List[Decorator] = [
    click.option(
        "--HW",
        "size",
        cls=SectionOption,
        section=_SECTION,
        nargs=2,
        type=int,
        metavar="H W",
        help="Height and width of the images in pixels.",
    ),
    _network("--batch", type=click.IntRange(min=1), default=1, show_default=True, help="Images at once."),
    _network("--dynamic", is_flag=True, help="Leave the batch open, and height and width where the network can."),
    _network("--weights", type=click.Path(), metavar="FILE", help="Those of the original; by default they are drawn."),
    _network("--refinement", is_flag=True, help="Let each layer refine the boxes of the one before."),
    _network(
        "--form",
        type=click.Choice(["native", "plugin", "sampled"]),
        help="With ONNX's own operators (native, the default), with those of the farm's plugins, or without "
        "RoiAlign and NonMaxSuppression (sampled), which TensorRT for RTX lacks.",
    ),
]
NETWORK_NAMES = ("size", "batch", "dynamic", "weights", "refinement", "form")


@contextmanager
def exported(given: Mapping[str, Any]) -> Iterator[Dict[str, Any]]:
    """What was given, with the file that `--export` asks for in the place of the model.

    Raises: Invalid: a model is given, too, or nothing here exports.
    """
    network = {name: given[name] for name in NETWORK_NAMES}
    rest = {name: value for name, value in given.items() if name not in NETWORK_NAMES and name != "export"}
    name = given["export"]
    if name is None:
        if any(value for key, value in network.items() if (key, value) != ("batch", 1)):
            raise Invalid("--HW, --batch, --dynamic, --weights, --refinement and --form are of --export", "Name one.")
        yield rest
        return
    if given["model"] or given["clone"]:
        raise Invalid("a model is given, and --export makes another", "Leave one of both out.")
    writer: Write = from_group(ENTRY_POINTS, "networks", "the exporters")
    with tempfile.TemporaryDirectory(prefix="farm-export-") as folder:
        told = writer(name, Path(folder), **network)
        say(str(told["sentence"]))
        yield {**rest, "model": told["path"]}
