// What tests of both deformable convolutions call.
#pragma once

#include <cuda_fp16.h>

#include "common/deform_conv/deform_conv.hpp"

namespace farm_test {

// From 17 numbers: all of `DeformConvSize`, in its order.
inline farm::DeformConvSize size_of(const std::int64_t* n) {
  const auto pair = [n](int first, int* to) {
    to[0] = static_cast<int>(n[first]);
    to[1] = static_cast<int>(n[first + 1]);
  };
  farm::DeformConvSize size{n[0],
                            n[1],
                            n[2],
                            n[3],
                            n[4],
                            n[5],
                            n[6],
                            {},
                            {},
                            {},
                            {},
                            static_cast<int>(n[15]),
                            static_cast<int>(n[16])};
  pair(7, size.kernel);
  pair(9, size.stride);
  pair(11, size.padding);
  pair(13, size.dilation);
  return size;
}

template <typename T>
farm::DeformConvTensors<T> tensors_of(const void* x, const void* offset, const void* mask,
                                      const void* weight, const void* bias, void* y) {
  return {static_cast<const T*>(x),      static_cast<const T*>(offset), static_cast<const T*>(mask),
          static_cast<const T*>(weight), static_cast<const T*>(bias),   static_cast<T*>(y)};
}

}  // namespace farm_test
