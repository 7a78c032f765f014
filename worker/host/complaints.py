"""What the ONNX checker and ONNX Runtime say about a model, as one sentence with a next step."""

from __future__ import annotations

import re

from farm.protocol.errors import Invalid

_EXPORT = "Export the model again."

# What a message contains, the sentence it becomes, and the next step.
_KNOWN = (
    (
        r"No Op registered for (?P<op>\S+) with domain_version of (?P<version>\d+)",
        "the model uses the operator {op}, which ONNX opset {version} does not have",
        "Export it with operators of that opset, or give the operator a domain of its own and a plugin.",
    ),
    (
        r"No opset import for domain '(?P<domain>[^']*)'",
        "the model uses operators of the domain {domain!r} without saying which version of it",
        "Add the domain to opset_import, with onnx.helper.make_opsetid.",
    ),
    (
        r"SSA\) form, however '(?P<name>[^']*)' has been used as (?P<what>[\w ]+) names multiple times",
        "the name {name!r} stands for several values of the graph ({what} names)",
        _EXPORT,
    ),
    (r"(?P<name>\S+) initializer name is not unique", "two weights are called {name!r}", _EXPORT),
    (
        r"topologically sorted, however input '(?P<name>[^']*)'",
        "an operator takes the value {name!r}, which nothing before it makes",
        _EXPORT,
    ),
    (
        r"Graph output '(?P<name>[^']*)' is not an output of any node",
        "nothing in the graph makes the output {name!r}",
        _EXPORT,
    ),
    (
        r"tensor name: (?P<name>.*?)\) raw_data size \((?P<has>\d+) bytes\).*?\((?P<needs>\d+) bytes required",
        "the weight {name!r} has {has} bytes where its shape needs {needs}",
        "Copy or export the model again.",
    ),
    (
        r"(?:dimension product overflow|Negative dimension value) \(tensor name: (?P<name>.*?)\)",
        "the weight {name!r} has an impossible shape",
        _EXPORT,
    ),
    (
        r"ir_version (?P<version>\d+) is higher than the checker's \((?P<known>\d+)\)",
        "the model is in version {version} of the ONNX format, this host knows {known}",
        "Export it with an older version of onnx, or update the host.",
    ),
    (
        r"Opset (?P<version>\d+) is under development.*?till opset (?P<known>\d+)",
        "the model is of opset {version}, this host's ONNX Runtime knows {known}",
        "Export it with an older opset, or update the host.",
    ),
)

_NOISE = (
    (r"^\[ONNXRuntimeError\] : \d+ : \w+ : ", ""),
    (r"Load model from \S+ failed:\s*", ""),
    (r"\S*/onnxruntime_src/\S+\s*", ""),
    (r"This is an invalid model\.\s*(?:Error: )?", ""),
    (r"\s+", " "),
)


def invalid(error: Exception) -> Invalid:
    """The complaint of a checker or a runtime about a model."""
    text = str(error)
    for pattern, sentence, hint in _KNOWN:
        found = re.search(pattern, text, re.DOTALL)
        if found:
            return Invalid(sentence.format(**found.groupdict()), hint)
    return Invalid(
        f"the model is not valid ONNX: {first_words(text)}",
        "Export it again, and try it with onnx.checker and ONNX Runtime.",
    )


def first_words(text: str) -> str:
    """The first sentence of a message of ONNX or ONNX Runtime, without what only its authors understand."""
    for pattern, replacement in _NOISE:
        text = re.sub(pattern, replacement, text)
    return text.strip().partition(" ==> ")[0].rstrip(" .|")[:400]


def missing_operator(error: Exception) -> str | None:
    """The operator that ONNX Runtime cannot run on this host, or None where the complaint is another one."""
    text = str(error)
    found = re.search(r"Fatal error: (\S+?)\(-?\d+\) is not a registered function/op", text)
    if found:
        return found.group(1).replace(":", "::")
    found = re.search(r"Could not find an implementation for (\S+?)\(\d+\)", text)
    return found.group(1) if found else None
