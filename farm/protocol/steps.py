"""Graph steps as they are typed: `rename:input=images,default,-simplify,opset:newest=17`."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple

from .errors import Invalid
from .keys import StepCall

# The first two change nothing unless there is such an operator, which has no meaning elsewhere.
DEFAULT_STEPS = ("mmcv", "deformable_attention", "fold", "simplify", "infer_shapes")
# Those that give a graph other inputs or outputs. They come first.
INTERFACE_STEPS = ("rename", "image_input")
# Those that give up digits. What keeps them is checked more closely, and comes before.
ROUNDING_STEPS = ("quantize", "float16", "bfloat16", "mixed")
# The word that stands for them.
DEFAULT = "default"

_EXAMPLE = "Give names such as fold,simplify,infer_shapes."
_WORDS = {"true": True, "false": False}


def planned_steps(steps: Optional[Sequence[str]], needed: Sequence[str] = ()) -> Tuple[StepCall, ...]:
    """The steps of a preparation: the given ones or the default ones, then those that a target cannot do without.

    What a target needs comes before given steps that end the list by giving up digits. `-simplify` leaves a step out,
    also one that would be needed; a list of nothing else begins with the default.

    Args:
        steps: As typed, in order; None for the default, empty for none.
        needed: Likewise; one that was given itself is not repeated.

    Raises: Invalid: a step is no word, has a parameter that is not NAME=VALUE, or is there twice.
    """
    given = (DEFAULT,) if steps is None else tuple(steps)
    without = [text[1:] for text in given if text.startswith("-")]
    if given and len(without) == len(given):
        given = (DEFAULT, *given)
    typed: List[str] = []
    for text in given:
        typed += DEFAULT_STEPS if text == DEFAULT else () if text.startswith("-") else (text,)
    calls = [call for call in map(parse_step, typed) if call.name not in without]
    names = [call.name for call in calls]
    if len(set(names)) != len(names):
        raise Invalid("a graph step is there twice", "Give each step once.")
    end = len(calls)
    while end and names[end - 1] in ROUNDING_STEPS:
        end -= 1
    more = [call for call in map(parse_step, needed) if call.name not in (*names, *without)]
    exact = [call for call in more if call.name not in ROUNDING_STEPS]
    return (*calls[:end], *exact, *calls[end:], *(call for call in more if call.name in ROUNDING_STEPS))


def changes_interface(steps: Optional[Sequence[str]]) -> bool:
    """The engine takes or gives something else than the model: nothing can be held against the inputs of the model."""
    return any(text.partition(":")[0] in INTERFACE_STEPS for text in steps or ())


def parse_step(text: str) -> StepCall:
    """`opset:newest=17` is the step `opset` with a parameter; several are separated by colons.

    A name that holds a colon itself is taken whole: `rename:input:0=images`.

    Raises: Invalid
    """
    name, _, rest = text.partition(":")
    if not name.isidentifier():
        raise Invalid(f"{name!r} cannot be a graph step", _EXAMPLE)
    parameters: Dict[str, Any] = {}
    begun: List[str] = []
    for part in rest.split(":") if rest else ():
        begun.append(part)
        if "=" in part:
            parameter, _, value = ":".join(begun).partition("=")
            parameters[parameter] = _value(value)
            begun = []
    if begun or "" in parameters:
        raise Invalid(f"{text!r} has a parameter that is not NAME=VALUE", f"Write it as {name}:NAME=VALUE.")
    return StepCall(name, parameters)


def typed_step(call: StepCall) -> str:
    """What `parse_step` reads as this call."""
    values = {name: str(value).lower() if isinstance(value, bool) else value for name, value in call.parameters.items()}
    return ":".join([call.name, *(f"{name}={value}" for name, value in values.items())])


def _value(text: str) -> Any:
    """A number or truth value where the text is one."""
    if text in _WORDS:
        return _WORDS[text]
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
