"""Names of classes: those of COCO, or of a file with one in each line."""

from __future__ import annotations

from pathlib import Path
from typing import Sequence, Tuple

from farm.protocol.errors import Invalid, NotFound

# By the numbers of COCO's annotations, as DETR and Mask R-CNN have them; some are of nothing.
_NAMES = (
    "|person|bicycle|car|motorcycle|airplane|bus|train|truck|boat|traffic light|fire hydrant||stop sign|parking meter|"
    "bench|bird|cat|dog|horse|sheep|cow|elephant|bear|zebra|giraffe||backpack|umbrella|||handbag|tie|suitcase|frisbee|"
    "skis|snowboard|sports ball|kite|baseball bat|baseball glove|skateboard|surfboard|tennis racket|bottle||wine glass|"
    "cup|fork|knife|spoon|bowl|banana|apple|sandwich|orange|broccoli|carrot|hot dog|pizza|donut|cake|chair|couch|"
    "potted plant|bed||dining table|||toilet||tv|laptop|mouse|remote|keyboard|cell phone|microwave|oven|toaster|sink|"
    "refrigerator||book|clock|vase|scissors|teddy bear|hair drier|toothbrush"
)
COCO_91: Tuple[str, ...] = tuple(_NAMES.split("|"))
# Without gaps, as YOLO counts them.
COCO_80: Tuple[str, ...] = tuple(label for label in COCO_91 if label)


def label_of(number: int, labels: Sequence[str]) -> str:
    """The name of a class; `class 17` where it has none."""
    named = labels[number] if 0 <= number < len(labels) else ""
    return named or f"class {number}"


def read_labels(path: Path) -> Tuple[str, ...]:
    """The lines of a file: the first names class 0, an empty one leaves its class without a name.

    Raises: NotFound, Invalid
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(f"there is no file {path}", "Give --labels a text file with one name in each line.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} cannot be read as text", "Give --labels a text file in UTF-8.") from error
    labels = tuple(line.strip() for line in text.splitlines())
    if not any(labels):
        raise Invalid(f"{path} names no class", "Write the name of one class in each line.")
    return labels
