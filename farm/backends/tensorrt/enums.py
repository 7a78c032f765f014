"""The enumerations of TensorRT that farm touches, and what lies in the module itself; see `symbol`."""

from __future__ import annotations

from typing import Dict

from .symbol import ONLY_RTX, TYPED, Symbol, call, since, words

MODULE: Dict[str, Symbol] = {
    **words("float32", "float16", "int32", "int8", "bool"),
    **words("nptype", "volume", "__version__"),
    "get_plugin_registry": call(),
    "init_libnvinfer_plugins": call("logger", "namespace"),
}

ENUMS: Dict[str, Dict[str, Symbol]] = {
    "BuilderFlag": {
        **words("DEBUG", "DIRECT_IO", "DISABLE_TIMING_CACHE", "GPU_FALLBACK", "REFIT", "SPARSE_WEIGHTS", "TF32"),
        **words("FP16", "INT8", gone=TYPED),
        **words("OBEY_PRECISION_CONSTRAINTS", "PREFER_PRECISION_CONSTRAINTS", gone=TYPED),
        **words("VERSION_COMPATIBLE", "EXCLUDE_LEAN_RUNTIME", since=(8, 6)),
        **words("FP8", since=(8, 6), gone=TYPED),
        **words("BF16", since=(9, 3), gone=TYPED),
        **words("ERROR_ON_TIMING_CACHE_MISS", "DISABLE_COMPILATION_CACHE", since=(9, 3)),
        **words("REFIT_IDENTICAL", "STRIP_PLAN", "WEIGHT_STREAMING", since=(10, 0)),
        **words("INT4", since=(10, 1), gone=TYPED),
        **words("REFIT_INDIVIDUAL", since=(10, 2)),
        **words("MONITOR_MEMORY", "STRICT_NANS", since=(10, 6)),
        **words("EDITABLE_TIMING_CACHE", since=(10, 8)),
        **words("FP4", since=(10, 8), gone=TYPED),
        **words("DISTRIBUTIVE_INDEPENDENCE", since=(10, 12)),
    },
    "NetworkDefinitionCreationFlag": {
        "EXPLICIT_BATCH": Symbol(gone=TYPED),
        "STRONGLY_TYPED": since(9, 3),
        "PREFER_AOT_PYTHON_PLUGINS": since(10, 9, rtx=False),
        "PREFER_JIT_PYTHON_PLUGINS": since(10, 9, rtx=False),
    },
    "MemoryPoolType": {
        **words("WORKSPACE", "DLA_MANAGED_SRAM", "DLA_LOCAL_DRAM", "DLA_GLOBAL_DRAM"),
        "TACTIC_DRAM": since(8, 6),
        "TACTIC_SHARED_MEMORY": since(10, 0),
    },
    "TacticSource": {
        **words("CUBLAS", "CUBLAS_LT", "CUDNN", gone=TYPED),
        **words("EDGE_MASK_CONVOLUTIONS", "JIT_CONVOLUTIONS"),
    },
    "PreviewFeature": {
        **words("FASTER_DYNAMIC_SHAPES_0805", "DISABLE_EXTERNAL_TACTIC_SOURCES_FOR_CORE_0805", gone=(10, 0)),
        **words("PROFILE_SHARING_0806", since=(8, 6), gone=TYPED),
        **words("ALIASED_PLUGIN_IO_10_03", since=(10, 3)),
        **words("RUNTIME_ACTIVATION_RESIZE_10_10", since=(10, 10)),
    },
    "HardwareCompatibilityLevel": {
        **words("NONE", "AMPERE_PLUS", since=(8, 6)),
        "SAME_COMPUTE_CAPABILITY": since(10, 9),
    },
    "ProfilingVerbosity": words("NONE", "LAYER_NAMES_ONLY", "DETAILED"),
    "OnnxParserFlag": {
        "NATIVE_INSTANCENORM": since(8, 6),
        "ENABLE_UINT8_AND_ASYMMETRIC_QUANTIZATION_DLA": since(10, 11),
        **words("ENABLE_PLUGIN_OVERRIDE", "REPORT_CAPABILITY_DLA", since=(10, 15)),
        "ADJUST_FOR_DLA": since(10, 16),
    },
    "SerializationFlag": {
        **words("EXCLUDE_WEIGHTS", "EXCLUDE_LEAN_RUNTIME", since=(9, 3)),
        "INCLUDE_REFIT": since(10, 14),
    },
    "TilingOptimizationLevel": words("NONE", "FAST", "MODERATE", "FULL", since=(10, 8)),
    "ExecutionContextAllocationStrategy": words("STATIC", "ON_PROFILE_CHANGE", "USER_MANAGED", since=(10, 0)),
    "EngineStat": words("TOTAL_WEIGHTS_SIZE", "STRIPPED_WEIGHTS_SIZE", since=(10, 14)),
    "DataType": {
        **words("FLOAT", "HALF", "INT8", "INT32", "BOOL", "UINT8"),
        "FP8": since(8, 6),
        **words("BF16", "INT64", since=(9, 3)),
        "INT4": since(10, 0),
        "FP4": since(10, 8),
        "E8M0": since(10, 12),
    },
    "DeviceType": words("GPU", "DLA"),
    "EngineCapability": words("STANDARD"),
    "LayerType": {**words("CONSTANT"), "PLUGIN_V3": since(10, 0)},
    "LayerInformationFormat": words("JSON", "ONELINE"),
    "TensorIOMode": words("INPUT", "OUTPUT"),
    "TensorLocation": words("DEVICE", "HOST"),
    "ComputeCapability": {
        **dict.fromkeys(("CURRENT", "SM75", "SM80", "SM86", "SM89", "SM120", "SM121"), ONLY_RTX),
    },
    "EngineValidity": dict.fromkeys(("VALID", "SUBOPTIMAL", "INVALID"), ONLY_RTX),
    "CudaGraphStrategy": dict.fromkeys(("DISABLED", "WHOLE_GRAPH_CAPTURE"), ONLY_RTX),
}
