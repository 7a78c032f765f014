"""The options of the program trtexec that farm writes, and the versions that have them; see `symbol`.

`tests/farm/backends/tensorrt/test_switches.py` holds the table against what trtexec of each release takes.
"""

from __future__ import annotations

from typing import Dict, Optional, Tuple

from farm.protocol.errors import Unsupported
from farm.protocol.options import BuildOptions

from .capabilities import TensorRtCapabilities, capabilities_of
from .symbol import TYPED, Symbol, since, words
from .version import spelled

SWITCHES: Dict[str, Symbol] = {
    # A build.
    **words("onnx", "saveEngine", "minShapes", "optShapes", "maxShapes", "memPoolSize", "tacticSources", "verbose"),
    **words("noTF32", "sparsity", "refit", "directIO", "avgTiming", "profilingVerbosity", "timingCacheFile"),
    **words("useDLACore", "allowGPUFallback"),
    **words("fp16", "int8", gone=TYPED),
    **words("precisionConstraints", "layerPrecisions", "layerOutputTypes", gone=TYPED),
    "fp8": Symbol((8, 6), gone=TYPED),
    "bf16": Symbol((9, 3), gone=TYPED),
    "buildOnly": Symbol(gone=(8, 6)),
    # Of a build and of a run: a library that registers its creators itself, or is asked for them.
    "plugins": Symbol(gone=(8, 6)),
    "dynamicPlugins": since(8, 6),
    **words("skipInference", "builderOptimizationLevel", "maxAuxStreams", since=(8, 6)),
    **words("hardwareCompatibilityLevel", "versionCompatible", "excludeLeanRuntime", since=(8, 6)),
    **words("profile", "stronglyTyped", "errorOnTimingCacheMiss", "noCompilationCache", since=(9, 3)),
    **words("stripWeights", "allowWeightStreaming", since=(10, 0)),
    "maxTactics": since(10, 4),
    "tilingOptimizationLevel": since(10, 8),
    # A run.
    **words("loadEngine", "shapes", "loadInputs", "exportOutput", "exportTimes", "exportProfile", "exportLayerInfo"),
    **words("iterations", "duration", "warmUp", "avgRuns"),
    **words("useCudaGraph", "useSpinWait", "separateProfileRun", gone=TYPED),
    **words("includeDataTransfers", "noCudaGraph", "noSpinWait", since=TYPED),
    "streams": Symbol(gone=(8, 6)),
    **words("infStreams", "dumpRawBindingsToFile", since=(8, 6)),
}


def has(name: str, capabilities: TensorRtCapabilities) -> bool:
    """This version of trtexec has the option; of TensorRT for RTX there is none here.

    Raises: KeyError: the table does not hold it, so nothing may use it.
    """
    return SWITCHES[name].exists(capabilities.api, rtx=False)


def switch(name: str, capabilities: TensorRtCapabilities, value: Optional[object] = None) -> str:
    """One argument of a command line.

    Raises: Unsupported: this version of trtexec has no such option.
    """
    if not has(name, capabilities):
        raise Unsupported(f"trtexec {capabilities.version} has no option --{name}: {absence(name)}")
    return f"--{name}" if value is None else f"--{name}={value}"


def absence(name: str) -> str:
    """When an option of trtexec begins or ended, as half a sentence."""
    symbol = SWITCHES[name]
    if symbol.gone is not None:
        return f"it ended with TensorRT {spelled(symbol.gone)}"
    return f"it begins with TensorRT {spelled(symbol.since)}"


def profile_problems(version: str, options: BuildOptions) -> Tuple[str, ...]:
    """Why this version of trtexec cannot honour the profiles: a sentence each.

    Raises: Unsupported: farm does not know this version.
    """
    if len(options.profiles) < 2 or has("profile", capabilities_of(version)):
        return ()
    begins, asked = spelled(SWITCHES["profile"].since), len(options.profiles)
    return (f"trtexec {version} builds for one profile, not for {asked}: several begin with TensorRT {begins}",)
