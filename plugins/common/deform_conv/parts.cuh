// Adds what blocks that shared a tile have summed.
#pragma once

#include "common/deform_conv/corners.cuh"
#include "common/deform_conv/tile_memory.cuh"

namespace farm {
namespace deform_conv_detail {

// The sums of blocks that shared tiles, always in the same order. A thread makes one output; its
// neighbours have neighbouring pixels. What is read was just written and is in the L2 cache.
template <typename T>
__global__ void __launch_bounds__(kThreads) deform_conv_sum(const TileArguments<T> arguments) {
  const DeformConvSize& size = arguments.size;
  const auto pixels = static_cast<unsigned>(size.images * size.out_area());
  const unsigned count = pixels * static_cast<unsigned>(size.out_channels);
  for (unsigned index = blockIdx.x * kThreads + threadIdx.x; index < count;
       index += gridDim.x * kThreads) {
    const unsigned out = index / pixels;
    const Pixel pixel(index % pixels, size);
    float total = 0.0f;
#pragma unroll 8
    for (int split = 0; split < arguments.splits; ++split)
      total += arguments.parts[std::int64_t{split} * count + index];
    if (arguments.tensors.bias != nullptr) total += static_cast<float>(arguments.tensors.bias[out]);
    const std::int64_t place =
        (pixel.image * size.out_channels + out) * size.out_area() + pixel.place;
    arguments.tensors.y[place] = static_cast<T>(total);
  }
}

}  // namespace deform_conv_detail
}  // namespace farm
