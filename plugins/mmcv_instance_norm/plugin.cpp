// Instance normalization, for TensorRT.

#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kInput = 0;
constexpr int kScale = 1;
constexpr int kBias = 2;
constexpr std::size_t kLeastRank = 3;
constexpr std::size_t kMostRank = 5;

struct MmcvInstanceNorm : Operator {
  static constexpr char kName[] = "MMCVInstanceNormalization";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32, Type::kFloat32, Type::kFloat32}, {Type::kFloat32}},
      {{Type::kFloat16, Type::kFloat16, Type::kFloat16}, {Type::kFloat16}},
  };
  static constexpr int kOutputs = 1;

  float epsilon = 1e-5f;

  void attributes(Attributes& list) { list.optional("epsilon", epsilon, at_least(0)); }

  Shapes shapes(const Shapes& inputs) const {
    const std::size_t rank = inputs[kInput].size();
    require(rank >= kLeastRank && rank <= kMostRank, "the input must have 3 to 5 dimensions");
    for (const int tensor : {kScale, kBias}) {
      require(inputs[tensor].size() == 1, "scale and bias must have 1 dimension");
      require(may_equal(inputs[tensor][0], inputs[kInput][1]),
              "scale and bias must be as long as there are channels");
    }
    return {inputs[kInput]};
  }

  std::size_t workspace(const Tensors& inputs, const Tensors&) const {
    const Tensor& input = inputs[kInput];
    return instance_norm_workspace_bytes(input.dims[0], input.dims[1], input.count(2, input.rank));
  }

  cudaError_t enqueue(const Call& call) const {
    const Tensor& input = call.inputs[kInput];
    return with_type<float, __half>(input.type, [&](auto sample) {
      using T = decltype(sample);
      return instance_norm(input.as<const T>(), call.inputs[kScale].as<const T>(),
                           call.inputs[kBias].as<const T>(), call.outputs[0].as<T>(), input.dims[0],
                           input.dims[1], input.count(2, input.rank), epsilon, call.workspace,
                           call.stream);
    });
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::MmcvInstanceNorm)
