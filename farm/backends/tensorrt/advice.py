"""What to do about what TensorRT says: known messages of the parser, the builder and the runtime, one sentence each."""

from __future__ import annotations

import re
from typing import List, Pattern, Sequence, Tuple

# From the most particular to the most general, since TensorRT tells one failure in several messages. Names of groups
# are filled into the sentence. The numbers are issues of NVIDIA/TensorRT where the message was seen.
_SAYINGS: Tuple[Tuple[str, str], ...] = (
    # Loading. It expects what the card is, and got what the engine is (3130).
    (
        r"incompatible device[.,]? expecting compute (?P<here>[\d.]+\d) got compute (?P<built>[\d.]+\d)",
        "The engine was built for compute capability {built}, this card has {here}: fetch or build one for this card.",
    ),
    (
        r"not compatible with this version .* expecting library version (?P<here>[\d.]+\d) got (?P<built>[\d.]+\d)",
        "The engine was built with TensorRT {built}, here is {here}: fetch or build one for this version.",
    ),
    (
        r"The timing cache will not be used|getCaskHandle|findConvShaderByHandle",  # 3566, 2144
        "The timing cache is not one of this TensorRT on this kind of card: build without it.",
    ),
    (
        r"Version tag does not match",  # 2041, 2105, 2195
        "The engine was built with another version of TensorRT, or two of them are on the library path: fetch or build "
        "one for the version here, and see with ldconfig and LD_LIBRARY_PATH which that is.",
    ),
    (
        r"Magic ?tag does not match|magicTag ?==|PLAN_MAGIC_TAG",  # 2915
        "The file is no engine of this TensorRT, or only a part of one: fetch it again.",
    ),
    (
        r"across different models of devices is not recommended",  # 756, 2900
        "The engine was timed on another model of card: build one for this card, or allow it with --allow same-cc.",
    ),
    # The card and its driver.
    (
        r"Target GPU SM (?P<sm>\d+) is not supported by this TensorRT release",
        "This version of TensorRT does not run on sm {sm}: V100 ends with 10.4, RTX 50 begins with 10.8.",
    ),
    (
        r"Unsupported SM(: 0x(?P<sm>\w+))?",  # 3826, 2727
        "This version of TensorRT does not run on this card: install one that does; `farm plan` knows which.",
    ),
    (
        r"Unable to (?:load|open) library: (?P<library>libnv\S+?)[:\s]",
        "TensorRT does not find its own {library}: install the whole package, or add its folder to LD_LIBRARY_PATH.",
    ),
    # Plugins and operators.
    (
        r"getPluginCreator could not find plugin:? (?P<plugin>\S+) version",  # 1775
        "No plugin {plugin} is loaded: give the library that holds it, or export the model without that operator.",
    ),
    (
        r"corresponding IPluginCreator not found in Plugin Registry|IPluginCreator not found",
        "A plugin of the engine is not loaded: load the libraries that were fetched with it first.",
    ),
    (
        r"Plugin not found, are the plugin name, version, and namespace correct",
        "TensorRT has no such operator, and no plugin of that name is loaded: submit the model with its plugin.",
    ),
    (
        r"In function (?:check|import)(?P<operator>\w+):\s*\[8\] false",
        "The parser of TensorRT has no {operator}: replace that operator in the export of the model.",
    ),
    # The graph.
    (
        r"Weights of same values but of different types are used in the network",
        "Constants of one value have several types: fold them with --steps fold,simplify,infer_shapes.",
    ),
    (
        r"must be an initializer|must be an INetworkDefinition constant|is required to be an initializer",
        "An input of that operator must be a constant for this version: fold the graph with --steps fold,simplify.",
    ),
    (
        r"no optimization profile has been defined",
        "The graph has open axes: say which shapes to build for with --min-shapes, --opt-shapes and --max-shapes.",
    ),
    (
        r"Network must have at least one output",
        "The graph has no outputs for TensorRT: see that the file is a whole ONNX model, and export it again.",
    ),
    (
        r"Must have inputs with equal ranks when condition|IConditionalOutputLayer",
        "Both branches of an If must give one type and one rank: export the model with the branch decided.",
    ),
    (
        r"ScopeType::kUNDEFINED",
        "The network has an If or a Loop that TensorRT cannot take apart: export the model with the branch decided.",
    ),
    (
        r"Failed to open file: (?:[^\n|]*/)?(?P<file>[^\n|/]+)",
        "The weights in {file} are missing: submit the model with that file beside it.",
    ),
    (
        r"Unsupported ONNX data type: (?P<type>\w+)|Failed to convert ONNX date type",
        "TensorRT has no such type of tensor: cut that input, or what makes it, off the model.",
    ),
    (
        r"shape tensor must have type Int32",  # 618, 3176, 2301
        "An input that is a shape must be int32 for this version: cast it in the graph.",
    ),
    (
        r"reshape changes volume|second to last dimension of input1|but must match",
        "The shapes in the graph contradict each other: check the shapes that were given, or the export.",
    ),
    # Precision.
    (
        r"layernorm.*may cause overflow|layernorm (?:nodes|layers?) in FP16",  # 2466, 2922
        "LayerNorm overflows in float16: build with --precision mix, or export with opset 17 from TensorRT 8.6 on.",
    ),
    (
        r"Int8 calibration in TensorRT won't be used|[Cc]alibrator is not being used|no dynamic range",  # 1092, 4291
        "TensorRT cannot calibrate this network: give samples with --calib, so that farm puts Q/DQ into the graph.",
    ),
    (
        r"Cannot compile operation '(?P<operator>[^']+)' for Turing \(SM75\): FP32",
        "TensorRT for RTX has no float32 {operator} on Turing: build with --precision fp16, or for newer cards.",
    ),
    # DLA.
    (
        r"not supported on DLA(?!.*falling back to GPU\.?$)|cannot run on DLA",
        "Not every layer runs on the DLA: let the others run on the GPU with --option allowGPUFallback=true.",
    ),
    # Memory.
    (
        r"no tactics to implement the operation within workspace limit|due to insufficient workspace",
        "The workspace is too small: raise it with --option memPoolSize=workspace:1024 (MiB), or leave that out.",
    ),
    (
        r"insuff?icient memory on requested size|memory is insufficient to use tactic|OutOfMemory|out of memory|"
        r"bad_alloc|cudaErrorMemoryAllocation|could not be allocated",  # 3355, 4258, 2712
        "The device has too little free memory: end what else uses it (on a Jetson add swap), or lower the demand with "
        "--option memPoolSize=workspace:512, from TensorRT 8.6 on also tacticDram:512 in it and "
        "--option builderOptimizationLevel=1.",
    ),
    (
        r"Could not find any implementation for node (?P<node>.{1,120}?)(?:\.?\)|$)",  # 1768, 1917, 2035
        "No kernel does {node}: raise a limit that was given by memPoolSize, or try another precision.",
    ),
    # TensorRT for RTX says this beside every other error where there is no card.
    (
        r"CUDA initialization failure with error: \d+|CUDA driver version is insufficient",
        "There is no card here, or its driver is older than the CUDA of this TensorRT: see `farm devices doctor`.",
    ),
)
_KNOWN: List[Tuple[Pattern[str], str]] = [(re.compile(saying, re.DOTALL), told) for saying, told in _SAYINGS]


def advice(messages: Sequence[str]) -> str:
    """What to do, if one of these messages of TensorRT is known; else nothing."""
    for pattern, told in _KNOWN:
        for message in messages:
            found = pattern.search(message)
            if found:
                return told.format(**found.groupdict())
    return ""
