// The running maximum along one axis, for TensorRT.

#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kInput = 0;
constexpr int kValues = 0;
constexpr int kIndices = 1;

struct Cummax : Operator {
  static constexpr char kName[] = "cummax";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32}, {Type::kFloat32, Type::kInt32}},
      {{Type::kFloat16}, {Type::kFloat16, Type::kInt32}},
      {{Type::kInt32}, {Type::kInt32, Type::kInt32}},
  };
  static constexpr int kOutputs = 2;

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

  std::size_t workspace(const Tensors& inputs, const Tensors&) const {
    const Tensor& input = inputs[kInput];
    const int axis = axis_of(dim, input.rank);
    return cummax_workspace_bytes(input.count(0, axis), input.dims[axis],
                                  input.count(axis + 1, input.rank));
  }

  cudaError_t enqueue(const Call& call) const {
    const Tensor& input = call.inputs[kInput];
    const int axis = axis_of(dim, input.rank);
    return with_type<float, __half, std::int32_t>(input.type, [&](auto sample) {
      using T = decltype(sample);
      return cummax(input.as<const T>(), call.outputs[kValues].as<T>(),
                    call.outputs[kIndices].as<std::int32_t>(), input.count(0, axis),
                    input.dims[axis], input.count(axis + 1, input.rank), legacy, call.workspace,
                    call.stream);
    });
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::Cummax)
