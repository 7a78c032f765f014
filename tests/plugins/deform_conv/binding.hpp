// What tests of both deformable convolutions call, for either: pointers and whole numbers, and a
// CUDA error.
#pragma once

#include <cuda_fp16.h>

#include "common/deform_conv/deform_conv.hpp"

namespace farm_test {

// All of `DeformConvSize`, in its order, as an array of tests has it.
struct Numbers {
  std::int64_t images, channels, height, width, out_channels, out_height, out_width;
  std::int64_t pairs[8], groups, deform_groups;

  farm::DeformConvSize size() const {
    farm::DeformConvSize made{images,
                              channels,
                              height,
                              width,
                              out_channels,
                              out_height,
                              out_width,
                              {},
                              {},
                              {},
                              {},
                              static_cast<int>(groups),
                              static_cast<int>(deform_groups)};
    int* const to[] = {made.kernel, made.stride, made.padding, made.dilation};
    for (int place = 0; place < 8; ++place)
      to[place / 2][place % 2] = static_cast<int>(pairs[place]);
    return made;
  }
};

template <typename T>
farm::DeformConvTensors<T> tensors_of(const void* x, const void* offset, const void* mask,
                                      const void* weight, const void* bias, void* y) {
  return {static_cast<const T*>(x),      static_cast<const T*>(offset), static_cast<const T*>(mask),
          static_cast<const T*>(weight), static_cast<const T*>(bias),   static_cast<T*>(y)};
}

// The launcher of the plugin that is bound, which says what these two are.
std::size_t workspace_of(const farm::DeformConvSize& size, std::size_t element_bytes);
template <typename T>
cudaError_t run_of(const farm::DeformConvSize& size, const farm::DeformConvTensors<T>& tensors,
                   bool tf32, void* workspace, cudaStream_t stream);

}  // namespace farm_test

extern "C" {

std::int64_t workspace_bytes(const farm_test::Numbers* numbers, std::int64_t element_bytes) {
  return static_cast<std::int64_t>(
      farm_test::workspace_of(numbers->size(), static_cast<std::size_t>(element_bytes)));
}

cudaError_t run_float(const farm_test::Numbers* numbers, const void* x, const void* offset,
                      const void* mask, const void* weight, const void* bias, void* y,
                      std::int64_t tf32, void* workspace, cudaStream_t stream) {
  const auto tensors = farm_test::tensors_of<float>(x, offset, mask, weight, bias, y);
  return farm_test::run_of(numbers->size(), tensors, tf32 != 0, workspace, stream);
}

cudaError_t run_half(const farm_test::Numbers* numbers, const void* x, const void* offset,
                     const void* mask, const void* weight, const void* bias, void* y,
                     std::int64_t tf32, void* workspace, cudaStream_t stream) {
  const auto tensors = farm_test::tensors_of<__half>(x, offset, mask, weight, bias, y);
  return farm_test::run_of(numbers->size(), tensors, tf32 != 0, workspace, stream);
}
}
