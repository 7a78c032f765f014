// What the running maximum and the running minimum say to TensorRT: attributes, shapes, sizes.
#pragma once

#include <cuda_fp16.h>

#include <cstddef>
#include <cstdint>

#include "common/plugin.hpp"

namespace farm {

// The base of both.
struct RunningExtremumGlue : Operator {
  static constexpr int kInput = 0, kValues = 0, kIndices = 1;
  static constexpr int kOutputs = 2;
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32}, {Type::kFloat32, Type::kInt32}},
      {{Type::kFloat16}, {Type::kFloat16, Type::kInt32}},
      {{Type::kInt32}, {Type::kInt32, Type::kInt32}},
  };

  std::int32_t dim = 0;
  bool legacy = false;

  void attributes(Attributes& list) {
    list.optional("dim", dim, between(-kMaxRank, kMaxRank - 1));
    list.optional("legacy", legacy);
  }

  Shapes shapes(const Shapes& inputs) const {
    axis_of(dim, inputs[kInput].size());
    return {inputs[kInput], inputs[kInput]};
  }

  // What `bytes` says of the sizes around the axis.
  template <class Bytes>
  std::size_t workspace_by(const Tensors& inputs, const Bytes& bytes) const {
    const Tensor& input = inputs[kInput];
    const int axis = axis_of(dim, input.rank);
    return bytes(input.count(0, axis), input.dims[axis], input.count(axis + 1, input.rank));
  }

  // Calls `launcher` with all that the launchers of both take, by the type of the input.
  template <class Launcher>
  cudaError_t enqueue_by(const Call& call, const Launcher& launcher) const {
    const Tensor& input = call.inputs[kInput];
    const int axis = axis_of(dim, input.rank);
    return with_type<float, __half, std::int32_t>(input.type, [&](auto sample) {
      using T = decltype(sample);
      return launcher(input.as<const T>(), call.outputs[kValues].as<T>(),
                      call.outputs[kIndices].as<std::int32_t>(), input.count(0, axis),
                      input.dims[axis], input.count(axis + 1, input.rank), legacy, call.workspace,
                      call.stream);
    });
  }
};

}  // namespace farm
