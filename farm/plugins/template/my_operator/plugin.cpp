// Softsign, scaled, for TensorRT: what the operator takes, gives and launches. No arithmetic.

#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

constexpr int kInput = 0;
constexpr int kOutput = 0;

struct MyOperator : Operator {
  static constexpr char kName[] = "MyOperator";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32}, {Type::kFloat32}},
      {{Type::kFloat16}, {Type::kFloat16}},
  };
  static constexpr int kOutputs = 1;

  float scale = 1.0f;

  void attributes(Attributes& list) { list.optional("scale", scale); }

  Shapes shapes(const Shapes& inputs) const { return {inputs[kInput]}; }

  cudaError_t enqueue(const Call& call) const {
    const Tensor& input = call.inputs[kInput];
    return with_type<float, __half>(input.type, [&](auto sample) {
      using T = decltype(sample);
      return my_operator(input.as<const T>(), call.outputs[kOutput].as<T>(), input.count(), scale,
                         call.stream);
    });
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::MyOperator)
