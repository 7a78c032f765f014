"""What `--json` prints, in docs/json.md: the object of each verb, and the fields of each object.

python -m farm.cli.json_reference docs/json.md
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import sys
from enum import Enum
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Dict, Iterator, List, Tuple, get_type_hints

from farm import protocol
from farm.device.checks.check import Check

BEGIN = "<!-- Written by python -m farm.cli.json_reference; change the declarations instead. -->"

# Verb to the shape of its object; the names in angle brackets are described below.
ANSWERS: Tuple[Tuple[str, str], ...] = (
    ("farm submit", "<SubmissionView>; with `--wait` that of `farm results`"),
    ("farm plan", "<Plan>"),
    ("farm status", '<SubmissionView>; without an id `{"submissions": [<SubmissionView>]}`'),
    ("farm list", '`{"submissions": [<SubmissionView>]}`'),
    ("farm logs", '`{"logs": [{"target", "build", "preparation", "lines": [text]}]}`'),
    ("farm results", "<SubmissionView> with `exit_code`, and in each of `builds` what [the command](cli.md#json) adds"),
    ("farm cancel", "<SubmissionView>"),
    ("farm retry", "<SubmissionView>; with `--wait` that of `farm results`"),
    (
        "farm fetch",
        '`{"folder", "engine", "tier", "cached", "name", "model", "key", "precision", "files": [<FileRef>]}`',
    ),
    ("farm fetch --explain", '`{"engine", "considered": [<Candidate>], "reason"}`'),
    ("farm check", '`{"fits", "tier", "reasons": [text], "name"}`'),
    (
        "farm run",
        '`{"outputs": [{"name", "dtype", "shape", "minimum", "mean", "maximum", "not_finite"}], "files": [text]}`; '
        'of a folder of inputs `{"samples": [{"name", "outputs"}], "files": [text]}`',
    ),
    (
        "farm detect",
        '`{"pictures": [<PictureFound>], "videos": [<VideoFound>], "failed": [{"source", "message", "hint", "code"}]}`',
    ),
    ("farm bench", "<BenchmarkReport>"),
    ("farm verify", "<VerificationReport>"),
    ("farm engines list", '`{"engines": [<EngineView>]}`'),
    ("farm engines show", "<EngineDetail>"),
    ("farm engines rm", '`{"engines": [<EngineView>]}`'),
    ("farm engines pin", '`{"engines": [<EngineView>]}`'),
    ("farm engines unpin", '`{"engines": [<EngineView>]}`'),
    (
        "farm compare",
        '`{"metric", "engines": [{"engine", "target", "precision", "size_bytes", "verification", "benchmark", '
        '"slower_percent"}]}`',
    ),
    ("farm key A", '`{"digest", "key": <RequestKey>}`'),
    ("farm key A B", '`{"left", "right", "differences": [<Difference>]}`'),
    (
        "farm inspect ENGINE",
        "<EngineManifest>, and `layers`, the slowest: `[{name, operator, types, tactic, mean_ms, share}]`, and "
        "`layers_from`, who tells them",
    ),
    ("farm inspect MODEL.onnx", '`{"model", "summary": <OnnxSummary>}`'),
    ("farm models", '`{"models": [<ModelView>]}`; with a name <ModelView>'),
    ("farm campaign start, show, promote, hold, retry, rollback, close", "<CampaignDetail>"),
    ("farm campaign list", '`{"campaigns": [<CampaignView>]}`'),
    ("farm timing-caches list, drop", '`{"timing_caches": [<TimingCacheView>]}`'),
    ("farm timing-caches show, certify, uncertify", "<TimingCacheView>"),
    ("farm plugin list, rm", '`{"plugins": [<PluginView>]}`'),
    ("farm plugin show, add", "<PluginDetail>"),
    ("farm plugin build", "<SubmissionView>; with `--wait` that of `farm results`"),
    ("farm plugin new", '`{"folder", "files": [text]}`'),
    ("farm devices list", '`{"devices": [<DeviceView>]}`'),
    ("farm devices show", "<DeviceView>"),
    ("farm devices add, drain, undrain, retire", '`{"devices": [<DeviceView>]}`'),
    ("farm targets list", '`{"targets": [<TargetView>]}`'),
    ("farm targets add", "<TargetView>"),
    ("farm targets rm", '`{"removed"}`'),
    ("farm token create", "<NewToken>"),
    ("farm token list", '`{"tokens": [<TokenView>]}`'),
    ("farm token revoke", '`{"revoked"}`'),
    ("farm gc", "<Sweep>"),
    ("farm configure", '`{"url", "profile", "file", "token": <TokenView>}`'),
    ("farm doctor", '`{"checks": [<Check>]}`'),
)
_NAMED = re.compile(r"<(\w+)>")
_ATTRIBUTE = re.compile(r"^ {0,4}(\w+): (.*)$")


def updated(page: str) -> str:
    """The page with its generated part, which is everything below the mark, written anew.

    Raises: ValueError: the page has no mark.
    """
    head, mark, _ = page.partition(BEGIN)
    if not mark:
        raise ValueError(f"the page has no line {BEGIN}")
    return head + mark + "\n\n" + reference()


def reference() -> str:
    """The table of verbs, then every object that they name, with its fields."""
    lines = ["## Verbs", "", "| verb | object |", "|---|---|"]
    lines += [f"| `{verb}` | {_linked(shape)} |" for verb, shape in ANSWERS]
    lines += ["", "## Objects", ""]
    for kind in _reachable():
        lines += _described(kind)
    return "\n".join(lines).rstrip() + "\n"


def _linked(shape: str) -> str:
    """Names become links; a link inside of code would be none, so that code is left around it."""
    parts = shape.split("`")
    for index, part in enumerate(parts):
        parts[index] = _NAMED.sub(r"\1" if index % 2 else lambda found: _link(found.group(1)), part)
    inside = sorted({name for part in shape.split("`")[1::2] for name in _NAMED.findall(part)})
    return "`".join(parts) + "".join(f", see {_link(name)}" for name in inside)


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _kinds() -> Dict[str, Any]:
    from farm.detect.found import Found, PictureFound, VideoFound
    from farm.onnxsummary import OnnxSummary

    modules = (import_module(f"{protocol.__name__}.{found.name}") for found in iter_modules(protocol.__path__))
    found = {
        name: kind
        for module in modules
        for name, kind in vars(module).items()
        if inspect.isclass(kind) and dataclasses.is_dataclass(kind)
    }
    others = (Check, Found, OnnxSummary, PictureFound, VideoFound)
    return {**found, **{kind.__name__: kind for kind in others}}


def _reachable() -> List[Any]:
    """The objects that the verbs name and those in their fields, in that order."""
    kinds = _kinds()
    waiting = [kinds[name] for _, shape in ANSWERS for name in _NAMED.findall(shape)]
    found: List[Any] = []
    while waiting:
        kind = waiting.pop(0)
        if kind not in found:
            found.append(kind)
            waiting += [inner for hint in get_type_hints(kind).values() for inner in _inside(hint)]
    return found


def _inside(hint: Any) -> Iterator[Any]:
    if inspect.isclass(hint) and dataclasses.is_dataclass(hint):
        yield hint
    for part in getattr(hint, "__args__", ()):
        yield from _inside(part)


def _described(kind: Any) -> List[str]:
    summary, told = _documented(inspect.getdoc(kind) or "")
    lines = [f"### {kind.__name__}", "", summary, "", "| field | type | |", "|---|---|---|"]
    hints = get_type_hints(kind)
    for field in dataclasses.fields(kind):
        meaning = told.get(field.name, "")
        lines.append(f"| `{field.name}` | {_type(hints[field.name])} |{' ' * bool(meaning)}{meaning} |")
    return [*lines, ""]


def _documented(text: str) -> Tuple[str, Dict[str, str]]:
    """The first paragraph of a docstring, and its attributes."""
    summary, _, rest = text.partition("Attributes:\n")
    told: Dict[str, str] = {}
    name = ""
    for line in rest.splitlines():
        match = _ATTRIBUTE.match(line)
        if match:
            name = match.group(1)
            told[name] = match.group(2)
        elif name and line.strip():
            told[name] += " " + line.strip()
    return " ".join(summary.split()), told


def _type(hint: Any) -> str:
    """A type as JSON has it."""
    if inspect.isclass(hint) and issubclass(hint, Enum):
        return " ".join(f"`{item.value}`" for item in hint)
    if inspect.isclass(hint) and dataclasses.is_dataclass(hint):
        return _link(hint.__name__)
    arguments = [item for item in getattr(hint, "__args__", ()) if item is not Ellipsis]
    if type(None) in arguments:
        (inner,) = [item for item in arguments if item is not type(None)]
        return f"{_type(inner)} or `null`"
    if getattr(hint, "__origin__", None) is dict:
        return f"object of {_type(arguments[1])}"
    if getattr(hint, "__origin__", None) is tuple:
        return f"list of {_type(arguments[0])}"
    return {str: "text", bool: "truth value", int: "integer", float: "number"}.get(hint, "any")


def main() -> None:
    """Rewrite the page that is named as the only argument."""
    path = Path(sys.argv[1])
    path.write_text(updated(path.read_text("utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
