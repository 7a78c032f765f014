// What tests of both deformable convolutions call, for either: pointers and whole numbers, and a
// CUDA error.
#pragma once

#include <cuda_fp16.h>

#include "common/deform_conv/deform_conv.hpp"

namespace farm_test {

// All of `DeformConvSize`, in its order.
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

}  // namespace farm_test
