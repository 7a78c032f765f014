// Multi-scale deformable attention: its launchers.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace farm {

struct MsDeformAttnSize {
  std::int64_t images, pixels, heads, channels,
      queries;  // pixels of all levels; channels of a head
  int levels, points;
};

template <typename T>
struct MsDeformAttnTensors {
  const T* value;              // [images, pixels, heads, channels]
  const std::int32_t* sizes;   // [levels, 2 (rows, columns)], on the device
  const std::int32_t* starts;  // [levels], the first pixel of each, on the device
  const T* places;  // [images, queries, heads, levels, points, 2 (right, down)], 0 to 1 inside
  const T* shares;  // [images, queries, heads, levels, points]
  T* y;             // [images, queries, heads, channels]
};

// y = for each query and head, the sum over levels and points of share times value at the place,
// between four pixels; nothing lies outside of a level, nor in a level that is not within the
// pixels. Sums are float32.
cudaError_t ms_deform_attn(const MsDeformAttnSize& size, const MsDeformAttnTensors<float>& tensors,
                           cudaStream_t stream);
cudaError_t ms_deform_attn(const MsDeformAttnSize& size, const MsDeformAttnTensors<__half>& tensors,
                           cudaStream_t stream);

}  // namespace farm
