// Deformable convolution, without masks, for TensorRT.

#include "common/deform_conv/glue.hpp"
#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

struct DeformConv2d : DeformConvGlue<2> {
  static constexpr char kName[] = "MMCVDeformConv2d";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32, Type::kFloat32, Type::kFloat32, Type::kFloat32}, {Type::kFloat32}},
      {{Type::kFloat16, Type::kFloat16, Type::kFloat16, Type::kFloat16}, {Type::kFloat16}},
  };

  // Of MMCV, and without meaning here: a bias is there where an input is, and nothing is cut into
  // steps.
  std::int32_t bias = 0, im2col_step = 32;

  void attributes(Attributes& list) {
    DeformConvGlue::attributes(list);
    list.optional("bias", bias);
    list.optional("im2col_step", im2col_step);
  }

  std::size_t workspace(const Tensors& inputs, const Tensors& outputs) const {
    return mmcv_deform_conv2d_workspace(size(inputs, outputs), element_bytes(inputs[kX]));
  }

  cudaError_t enqueue(const Call& call) const {
    return with_type<float, __half>(call.inputs[kX].type, [&](auto sample) {
      using T = decltype(sample);
      return mmcv_deform_conv2d(size_of(call), tensors<T>(call), tf32, call.workspace, call.stream);
    });
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::DeformConv2d)
