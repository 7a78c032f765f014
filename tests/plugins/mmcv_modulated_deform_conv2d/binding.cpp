// What tests call of mmcv_modulated_deform_conv2d, on a processor as on a card.
#include "../deform_conv/binding.hpp"

#include "kernel.hpp"

std::size_t farm_test::workspace_of(const farm::DeformConvSize& size, std::size_t element_bytes) {
  return farm::mmcv_modulated_deform_conv2d_workspace(size, element_bytes);
}

template <typename T>
cudaError_t farm_test::run_of(const farm::DeformConvSize& size, const farm::DeformConvTensors<T>& tensors, bool tf32,
                              void* workspace, cudaStream_t stream) {
  return farm::mmcv_modulated_deform_conv2d(size, tensors, tf32, workspace, stream);
}
