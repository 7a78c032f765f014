// Deformable convolution, with masks, for TensorRT.

#include "common/deform_conv/glue.hpp"
#include "common/export.hpp"
#include "kernel.hpp"

namespace farm {
namespace {

struct ModulatedDeformConv2d : DeformConvGlue<3> {
  static constexpr char kName[] = "MMCVModulatedDeformConv2d";
  static constexpr Signature kSignatures[] = {
      {{Type::kFloat32, Type::kFloat32, Type::kFloat32, Type::kFloat32, Type::kFloat32},
       {Type::kFloat32}},
      {{Type::kFloat16, Type::kFloat16, Type::kFloat16, Type::kFloat16, Type::kFloat16},
       {Type::kFloat16}},
  };

  std::size_t workspace(const Tensors& inputs, const Tensors& outputs) const {
    return mmcv_modulated_deform_conv2d_workspace(size(inputs, outputs), element_bytes(inputs[kX]));
  }

  cudaError_t enqueue(const Call& call) const {
    return with_type<float, __half>(call.inputs[kX].type, [&](auto sample) {
      using T = decltype(sample);
      return mmcv_modulated_deform_conv2d(size_of(call), tensors<T>(call), tf32, call.workspace,
                                          call.stream);
    });
  }
};

}  // namespace
}  // namespace farm

FARM_EXPORT_PLUGINS(farm::ModulatedDeformConv2d)
