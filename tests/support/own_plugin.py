"""A user's plugin for tests: the operator `TestDouble`, which doubles a float32 tensor."""

from __future__ import annotations

from pathlib import Path

_FILES = {
    "plugin.toml": """
name = "{name}"
version = "1"
purpose = "Doubles its input."
operators = ["{operator}"]

[[inputs]]
name = "x"
dtypes = ["float32"]

[[outputs]]
name = "y"
dtypes = ["float32"]
""",
    "kernel.hpp": """
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace farm {

cudaError_t twice(const float* x, float* y, std::int64_t count, cudaStream_t stream);

}  // namespace farm
""",
    "kernel.cu": """
#include "common/launch.cuh"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kThreads = 256;

__global__ void twice_kernel(const float* x, float* y, std::int64_t count) {
  const std::int64_t at = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (at < count) y[at] = 2.0f * x[at];
}

}  // namespace

cudaError_t twice(const float* x, float* y, std::int64_t count, cudaStream_t stream) {
  const auto blocks = static_cast<unsigned>(ceil_div(count, std::int64_t{kThreads}));
  return launch(twice_kernel, Launch{blocks, kThreads, 0, stream}, x, y, count);
}

}  // namespace farm
""",
    "plugin.cpp": """
#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

struct Double : Operator {
  static constexpr char kName[] = "{operator}";
  static constexpr Signature kSignatures[] = {{{Type::kFloat32}, {Type::kFloat32}}};
  static constexpr int kOutputs = 1;

  Shapes shapes(const Shapes& inputs) const { return {inputs[0]}; }

  cudaError_t enqueue(const Call& call) const {
    const Tensor& x = call.inputs[0];
    return twice(x.as<const float>(), call.outputs[0].as<float>(), x.count(0, x.rank), call.stream);
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::Double)
""",
}


def own_plugin(folder: Path, name: str = "test_double", operator: str = "TestDouble", more: str = "") -> Path:
    """The folder of the plugin, below `folder`.

    Args:
        folder: Where it is put.
        name: Of the plugin and its folder.
        operator: That it computes.
        more: What else stands in its kernel.cu.
    """
    made = folder / name
    made.mkdir(parents=True)
    for file, text in _FILES.items():
        filled = text.lstrip().replace("{name}", name).replace("{operator}", operator)
        if more and file == "kernel.cu":
            filled = filled.replace("constexpr int kThreads", f"{more}\nconstexpr int kThreads")
        (made / file).write_text(filled)
    return made
