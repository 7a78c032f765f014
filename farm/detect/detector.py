"""A fetched engine that finds objects in pictures."""

from __future__ import annotations

import os
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, List, Optional, Sequence, Tuple, Type, TypeVar, Union

import numpy as np

from farm.protocol.errors import Invalid
from farm.protocol.facts import DeviceFacts
from farm.runtime.engine import Engine

from .answers import Answers, Limits
from .fitted import fitted
from .fitting import Placement, placed
from .found import Found
from .kinds import KINDS, kind_of, unknown_kind
from .labels import label_of
from .manner import Manner, changed
from .pictures import pillow
from .preparing import as_input, as_seen

if TYPE_CHECKING:
    from PIL.Image import Image

Picture = Any
Self = TypeVar("Self", bound="Detector")


class Detector:
    """An engine whose inputs are pictures and whose outputs are objects in them. Use it in a `with` statement.

        with Detector.open("engines/detr") as detector:
            (found,) = detector.detect([picture])

    Attributes:
        engine: What runs.
        kind: Of its network, such as `detr`.
        detection: How pictures go in.
        input: What the network takes.
        batch: Pictures that are run at once.
        limits: What counts as found.

    Raises: Invalid: the engine does not tell how its answers are read, or cannot be used as it is asked for.
    """

    def __init__(self, engine: Engine, manner: Optional[Manner] = None) -> None:
        manner = manner or Manner()
        told = engine.manifest.detection
        self.kind = manner.kind or (told.answers if told else "")
        if not self.kind or (not manner.kind and self.kind not in KINDS):
            raise unknown_kind(engine.outputs)
        kind = kind_of(self.kind)
        detection = replace(told, answers=self.kind) if told else kind.usual
        self.engine = engine
        self.detection = changed(detection, manner.changes)
        self.input, self._batch = fitted(engine.inputs, engine.profiles, manner, kind.size)
        self.batch = self._batch.most
        threshold = kind.threshold if manner.threshold is None else manner.threshold
        self.limits = Limits(threshold, manner.top, manner.overlap)
        self._decode = kind.decode
        self._labels = manner.labels or self.detection.labels or kind.labels

    @classmethod
    def open(
        cls: Type[Self],
        folder: Union[str, os.PathLike[str]],
        manner: Optional[Manner] = None,
        facts: Optional[DeviceFacts] = None,
    ) -> Self:
        """Load the engine of a folder that `farm fetch` wrote.

        Raises: as `Engine.open`, and as the class.
        """
        engine = Engine.open(folder, facts)
        try:
            return cls(engine, manner)
        except BaseException:
            engine.close()
            raise

    def detect(self, pictures: Sequence[Picture]) -> Tuple[Tuple[Found, ...], ...]:
        """What is in each picture, the best first.

        Args:
            pictures: Of Pillow, or arrays of uint8 (height x width x 3, in RGB); any number.

        Raises:
            Invalid: one is none of these, or the outputs are not those of such a network.
            NumericsFailed: an output holds NaN or infinity.
        """
        images = [_image(picture) for picture in pictures]
        found: List[Tuple[Found, ...]] = []
        for start in range(0, len(images), self.batch):
            found += self._at_once(images[start : start + self.batch])
        return tuple(found)

    def close(self) -> None:
        """Give the memory of the engine back."""
        self.engine.close()

    def _at_once(self, images: List[Image]) -> List[Tuple[Found, ...]]:
        size = self.input.size
        placements = [placed(image.size, size, self.detection.fit) for image in images]
        seen = [as_seen(image, place, size, self.detection) for image, place in zip(images, placements)]
        seen += [seen[-1]] * (self._batch.fewest - len(seen))
        outputs = self.engine.run({self.input.name: as_input(seen, self.detection, self.input)})
        answers = self._decode(outputs, size, self.limits)
        return [self._found(answer, place) for answer, place in zip(answers, placements)]

    def _found(self, answers: Answers, placement: Placement) -> Tuple[Found, ...]:
        boxes: Any = np.round(placement.to_picture(answers.boxes), 2)
        return tuple(
            Found(label_of(int(number), self._labels), int(number), round(float(score), 4), tuple(map(float, box)))
            for box, score, number in zip(boxes, answers.scores, answers.classes)
        )

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(
        self, kind: Optional[Type[BaseException]], error: Optional[BaseException], trace: Optional[TracebackType]
    ) -> None:
        self.close()


def _image(picture: Picture) -> Image:
    module = pillow()
    is_array = isinstance(picture, np.ndarray) and picture.dtype == np.uint8 and picture.ndim == 3
    if is_array and picture.shape[2] == 3:
        picture = module.fromarray(picture)
    if isinstance(picture, module.Image):
        image: Image = picture.convert("RGB")
        return image
    raise Invalid(
        f"a {type(picture).__name__} is no picture", "Give those of Pillow, or arrays of uint8, height x width x 3."
    )
