// Deformable convolution, both versions: its sizes and its tensors.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace farm {

// All that is known without the data. The first of a pair is rows, the second columns.
struct DeformConvSize {
  std::int64_t images, channels, height, width;
  std::int64_t out_channels, out_height, out_width;
  int kernel[2], stride[2], padding[2], dilation[2];
  int groups, deform_groups;

  __host__ __device__ std::int64_t area() const { return height * width; }
  __host__ __device__ std::int64_t out_area() const { return out_height * out_width; }
  __host__ __device__ int taps() const { return kernel[0] * kernel[1]; }
};

template <typename T>
struct DeformConvTensors {
  const T* x;       // [images, channels, height, width]
  const T* offset;  // [images, deform groups, taps, 2 (down, right), out height, out width]
  const T* mask;    // [images, deform groups, taps, out height, out width]; null for version 1
  const T* weight;  // [out channels, channels / groups, kernel rows, kernel columns]
  const T* bias;    // [out channels], or null
  T* y;             // [images, out channels, out height, out width]
};

}  // namespace farm
