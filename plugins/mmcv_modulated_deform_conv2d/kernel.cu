#include "common/deform_conv/launch.cuh"
#include "kernel.hpp"

namespace farm {

std::size_t mmcv_modulated_deform_conv2d_workspace(const DeformConvSize& size,
                                                   std::size_t element_bytes) {
  return deform_conv_detail::workspace_bytes(size, element_bytes);
}

cudaError_t mmcv_modulated_deform_conv2d(const DeformConvSize& size,
                                         const DeformConvTensors<float>& tensors, bool tf32,
                                         void* workspace, cudaStream_t stream) {
  return deform_conv_detail::run(size, tensors, tf32, workspace, stream);
}

cudaError_t mmcv_modulated_deform_conv2d(const DeformConvSize& size,
                                         const DeformConvTensors<__half>& tensors, bool tf32,
                                         void* workspace, cudaStream_t stream) {
  return deform_conv_detail::run(size, tensors, tf32, workspace, stream);
}

}  // namespace farm
