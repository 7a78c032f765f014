"""Messages as TensorRT really gave them, and the sentence that each becomes."""

from __future__ import annotations

import pytest

from farm.backends.tensorrt.advice import _KNOWN, advice

# Of TensorRT for RTX 1.7.1 with broken graphs, of 8.5.3.1 with DETR, and of public reports with 8.0 to 10.8.
SEEN = [
    (
        "IRuntime::deserializeCudaEngine: Error Code 1: Serialization (Serialization assertion header.magicTag == "
        "kEXPECTED_MAGIC_TAG failed.Trying to load an engine created with incompatible serialization version",
        "no engine of this TensorRT",
    ),
    (
        "Error Code 1: Myelin ([pass.cpp:337: check_turing_op_compatibility] Cannot compile operation 'node_of_logits' "
        "for Turing (SM75): FP32 GEMM is not supported. In compileGraph",
        "no float32 node_of_logits on Turing",
    ),
    (
        "IRuntime::deserializeCudaEngine: Error Code 6: API Usage Error (The engine plan file is generated on"
        " an incompatible device, expecting compute 8.9 got compute 8.6, please rebuild.)",
        "built for compute capability 8.6, this card has 8.9",
    ),
    (
        "The engine plan file is generated on an incompatible device. expecting compute 7.5 got compute 6.1. "
        "please rebuild.",
        "built for compute capability 6.1, this card has 7.5",
    ),
    (
        "6: The engine plan file is not compatible with this version of TensorRT, expecting library version "
        "8.5.1.7 got 8.4.1.5, please rebuild.",
        "built with TensorRT 8.4.1.5, here is 8.5.1.7",
    ),
    (
        "1: [stdArchiveReader.cpp::StdArchiveReader::40] Error Code 1: Serialization (Serialization assertion"
        " stdVersionRead == serializationVersion failed.Version tag does not match. Note: Current Version: "
        "213, Serialized Engine Version: 232)",
        "another version of TensorRT",
    ),
    (
        "1: [runtime.cpp::parsePlan::314] Error Code 1: Serialization (Serialization assertion "
        "plan->header.magicTag == rt::kPLAN_MAGIC_TAG failed.)",
        "no engine of this TensorRT",
    ),
    (
        "[stdArchiveReader.cpp::StdArchiveReader::32] Error Code 1: Serialization (Serialization assertion "
        "magicTagRead == kMAGIC_TAG failed.Magic tag does not match)",
        "no engine of this TensorRT",
    ),
    (
        "2: [caskBuilderUtils.cpp::getCaskHandle::408] Error Code 2: Internal Error (Assertion !isGroupConv "
        "|| (findConvShaderByHandle(klib, caskHandle)",
        "timing cache is not one of this TensorRT",
    ),
    (
        "Using an engine plan file across different models of devices is not recommended and is likely to "
        "affect performance or even cause errors.",
        "--allow same-cc",
    ),
    (
        "IBuilder::buildSerializedNetwork: Error Code 9: API Usage Error (Target GPU SM 120 is not supported "
        "by this TensorRT release.)",
        "does not run on sm 120",
    ),
    (
        "1: [caskUtils.cpp::trtSmToCask::193] Error Code 1: Internal Error (Unsupported SM: 0x601)",
        "not run on this card",
    ),
    (
        "Error reading CUDA GPU properties: In getCurrentCC at /_src/runtime/dispatch/planHeaders.cpp:130 "
        "(cudaError 35: CUDA driver version is insufficient for CUDA runtime version)",
        "no card here, or its driver",
    ),
    (
        "3: getPluginCreator could not find plugin: Round version: 1",
        "No plugin Round is loaded",
    ),
    (
        "INVALID_ARGUMENT: getPluginCreator could not find plugin Prelu_TRT version 1",
        "No plugin Prelu_TRT is loaded",
    ),
    (
        'onnxOpCheckers.cpp:998 In function checkFallbackPluginImporter:\n[6] creator && "Plugin not found, '
        'are the plugin name, version, and namespace correct?"',
        "submit the model with its plugin",
    ),
    (
        "ERROR: onnxOpCheckers.cpp:1130 In function checkDet:\n[8] false",
        "The parser of TensorRT has no Det",
    ),
    (
        "Weights of same values but of different types are used in the network!",
        "--steps fold,simplify,infer_shapes",
    ),
    (
        "IBuilder::buildSerializedNetwork: Error Code 4: API Usage Error (Network has dynamic or shape "
        "inputs, but no optimization profile has been defined. In validate at "
        "/_src/optimizer/api/network.cpp:4023)",
        "--min-shapes, --opt-shapes and --max-shapes",
    ),
    (
        "IBuilder::buildSerializedNetwork: Error Code 4: API Usage Error (Network must have at least one "
        "output. In validate at /_src/optimizer/api/network.cpp:3810)",
        "no outputs",
    ),
    (
        "IBuilder::buildSerializedNetwork: Error Code 4: API Usage Error (IConditionalOutputLayer "
        "node_of_y_OutputLayer: Must have inputs with equal ranks when condition is not a build-time "
        "constant. Dimensions are [4] and [1,4].",
        "Both branches of an If",
    ),
    (
        "[graphScope.cpp::analyze::471] Error Code 2: Internal Error (Assertion tScope.getType() != "
        "ScopeType::kUNDEFINED failed. In analyze at /_src/optimizer/common/graphScope.cpp:471)",
        "an If or a Loop that TensorRT cannot take apart",
    ),
    (
        "WeightsContext.cpp:203: Failed to open file: missing.bin",
        "The weights in missing.bin are missing",
    ),
    (
        "Unsupported ONNX data type: STRING (8)",
        "no such type of tensor",
    ),
    (
        "onnx::Concat_2: network input that is shape tensor must have type Int32",
        "must be int32",
    ),
    (
        "ITensor::getDimensions: Error Code 4: Shape Error (reshape changes volume. Reshaping [1,4] to [3,3].",
        "shapes in the graph contradict",
    ),
    (
        "Running layernorm after self-attention in FP16 may cause overflow. Exporting the model to the latest"
        " available ONNX opset (later than opset 17) to use the INormalizationLayer, or forcing layernorm "
        "layers to run in FP32 precision can help with preserving accuracy.",
        "--precision mix",
    ),
    (
        "Int8 calibration in TensorRT won't be used on networks containing boolean operators or loops",
        "--calib",
    ),
    (
        "[localCheckMacros.cpp::getErrorStr::132] Error Code 2: OutOfMemory (Requested size was 9438184 bytes.)",
        "too little free memory",
    ),
    (
        "Tactic Device request: 600MB Available: 302MB. Device memory is insufficient to use tactic.",
        "too little free memory",
    ),
    (
        "Skipping tactic 0 due to insuficient memory on requested size of 29147520 detected for tactic 0.",
        "too little",
    ),
    (
        "10: [optimizer.cpp::computeCosts::2011] Error Code 10: Internal Error (Could not find any "
        "implementation for node {ForeignNode[onnx::Gather_72...ScatterND_170]}.)",
        "No kernel does {ForeignNode[onnx::Gather_72...ScatterND_170]}: ",
    ),
    (
        "Unable to load library: libnvinfer_builder_resource.so.8.5.3: cannot open shared object file: No such file",
        "does not find its own libnvinfer_builder_resource.so.8.5.3",
    ),
    (
        "1: [pluginV2Runner.cpp::load::300] Error Code 1: Serialization (Serialization assertion creator failed.Cannot "
        "deserialize plugin since corresponding IPluginCreator not found in Plugin Registry)",
        "load the libraries that were fetched with it first",
    ),
    (
        "ERROR: builtin_op_importers.cpp:2549 In function importResize:\n[8] Assertion failed: scales.is_weights() && "
        '"Resize scales must be an initializer!"',
        "must be a constant for this version",
    ),
    (
        "Error Code 9: Internal Error (Default DLA is enabled but layer Resize_41 is not supported on DLA and falling "
        "back to GPU is not enabled.)",
        "allowGPUFallback=true",
    ),
    (
        "IBuilder::buildSerializedNetwork: Error Code 10: Internal Error (Could not find any implementation for node "
        "conv1 due to insufficient workspace. See verbose log for requested sizes.)",
        "raise it with --option memPoolSize",
    ),
    (
        "1: [stdArchiveReader.cpp::StdArchiveReader::35] Error Code 1: Serialization (Serialization assertion "
        "stdVersionRead == serializationVersion failed.Version tag does not match)",
        "two of them are on the library path",
    ),
]


@pytest.mark.parametrize(("message", "told"), SEEN, ids=[told for _, told in SEEN])
def test_a_known_message_becomes_a_sentence(message: str, told: str) -> None:
    found = advice([message])
    assert told in found
    assert found.endswith(".")
    assert "\n" not in found


def test_every_sentence_is_one_for_a_message_that_was_seen() -> None:
    first = [next(told for pattern, told in _KNOWN if pattern.search(message)) for message, _ in SEEN]
    assert {told for _, told in _KNOWN} - set(first) == set()


def test_the_cause_wins_over_its_consequences() -> None:
    said = [
        "Skipping tactic 0 due to insuficient memory on requested size of 29147520 detected for tactic 0.",
        "Error Code 10: Internal Error (Could not find any implementation for node {ForeignNode[a...b]}.)",
        "Error Code 2: Internal Error (Assertion enginePtr != nullptr failed. )",
    ]
    assert "too little free memory" in advice(said)
    assert "too little free memory" in advice(said[::-1])


def test_a_limit_of_the_user_is_not_the_memory_of_the_device() -> None:
    said = "Error Code 10: Internal Error (no tactics to implement the operation within workspace limit)"
    assert "raise it with --option memPoolSize" in advice(
        [said, "Error Code 2: OutOfMemory (Requested size was 9 bytes.)"]
    )


@pytest.mark.parametrize(
    "said", [[], ["[MemUsageChange] Init CUDA: CPU +1, GPU +0"], ["Assertion engine != nullptr failed."]]
)
def test_of_other_messages_nothing_is_said(said: list[str]) -> None:
    assert advice(said) == ""
