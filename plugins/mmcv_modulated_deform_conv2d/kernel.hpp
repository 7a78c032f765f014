// Deformable convolution, version 2 (with a mask): its launchers.
#pragma once

#include <cuda_fp16.h>

#include <cstddef>

#include "common/deform_conv/deform_conv.hpp"

namespace farm {

// Bytes of workspace, 256-byte aligned. `element_bytes` is 2 or 4.
std::size_t mmcv_modulated_deform_conv2d_workspace(const DeformConvSize& size,
                                                   std::size_t element_bytes);

// Sums are float32. `tf32` lets float32 factors be rounded to 10 bits behind the point, where
// tensor cores take such. cudaErrorInvalidValue: sizes that do not go together, or an image of 2^31
// pixels.
cudaError_t mmcv_modulated_deform_conv2d(const DeformConvSize& size,
                                         const DeformConvTensors<float>& tensors, bool tf32,
                                         void* workspace, cudaStream_t stream);
cudaError_t mmcv_modulated_deform_conv2d(const DeformConvSize& size,
                                         const DeformConvTensors<__half>& tensors, bool tf32,
                                         void* workspace, cudaStream_t stream);

}  // namespace farm
