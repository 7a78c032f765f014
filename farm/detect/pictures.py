"""Pictures from files, of whatever kind: upright, with three colours of eight bits."""

from __future__ import annotations

import os
import struct
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any, FrozenSet, Union

from farm.protocol.errors import Invalid, NotFound, Unsupported

if TYPE_CHECKING:
    from PIL.Image import Image

INSTALL = "Install it with pip install 'tensorrt-engine-farm[detect]'."
_SIXTEEN_BITS = 65535
# What Pillow's readers raise on damaged files.
_DAMAGED = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error)


def pillow() -> Any:
    """Pillow's module of pictures.

    Raises: Unsupported: it is not installed.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise Unsupported("pictures are read by Pillow, which is not installed", INSTALL) from error
    return Image


def suffixes() -> FrozenSet[str]:
    """Endings of names of files that hold pictures, such as `.jpg`."""
    return frozenset(pillow().registered_extensions())


def writable() -> FrozenSet[str]:
    """Those of kinds that can be written, too."""
    module = pillow()
    return frozenset(ending for ending, kind in module.registered_extensions().items() if kind in module.SAVE)


def read_picture(path: Union[str, os.PathLike[str]]) -> Image:
    """The picture of a file, turned as its EXIF says. Of a file with several it is the first.

    Grey becomes three equal colours, sixteen bits become eight, and what is transparent shows white.

    Raises:
        NotFound: there is no such file.
        Invalid: it holds no picture, a damaged one, or one that is too large to be opened.
        Unsupported: Pillow is not installed.
    """
    module = pillow()
    try:
        with warnings.catch_warnings():
            # Of pictures half as large as those that are refused, and of flaws in what is not pixels.
            warnings.simplefilter("ignore")
            with module.open(path) as image:
                image.load()
                return _plain(_upright(image))
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "Give a picture, or a folder of pictures.") from None
    except module.DecompressionBombError as error:
        raise Invalid(
            f"{path} is too large a picture: {_pixels(error)}", "Make it smaller; networks see far fewer pixels."
        ) from error
    except module.UnidentifiedImageError as error:
        kind = "it is empty" if not Path(path).stat().st_size else "its kind is not known"
        raise Invalid(f"{path} holds no picture: {kind}", "Give a JPEG, PNG, WebP, TIFF or BMP file.") from error
    except _DAMAGED as error:
        raise Invalid(f"the picture {path} cannot be read: {error}"[:300], "Copy or save it again.") from error


def _pixels(error: Exception) -> str:
    return str(error).split(",")[0].lower()


def _upright(image: Image) -> Image:
    """Turned as its EXIF says; a picture whose EXIF is damaged is one all the same."""
    from PIL import ImageOps

    try:
        return ImageOps.exif_transpose(image)
    except _DAMAGED:
        return image


def _plain(image: Image) -> Image:
    """With three colours of eight bits."""
    if image.mode.startswith("I"):
        return _from_sixteen_bits(image)
    if image.mode == "F":
        raise ValueError("it holds fractions in the place of colours, whose range is not known")
    if "A" in image.getbands() or "transparency" in image.info:
        white: Image = pillow().new("RGBA", image.size, "white")
        white.alpha_composite(image.convert("RGBA"))
        return white.convert("RGB")
    return image.convert("RGB")


def _from_sixteen_bits(image: Image) -> Image:
    """Grey of sixteen bits; Pillow's own conversion would cut all above 255 off."""
    import numpy as np

    grey = np.asarray(image).astype(np.int64)
    if grey.min() < 0 or grey.max() > _SIXTEEN_BITS:
        raise ValueError("its grey has more than sixteen bits")
    eight = ((grey + 128) // 257).astype(np.uint8)
    plain: Image = pillow().fromarray(eight)
    return plain.convert("RGB")
