// The convolution without tiles, for few channels in each group.
#pragma once

#include "common/deform_conv/corners.cuh"

namespace farm {
namespace deform_conv_detail {

// A thread sums one output in float32; neighbours take neighbouring pixels, so that offsets, masks
// and outputs are read and written in order, and corners mostly. The places of a tap serve all
// channels of a deform group. Expected bound: the L1 cache, with four loads for each product.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    deform_conv_direct(const DeformConvTensors<T> tensors, const DeformConvSize size,
                       std::int64_t count) {
  const std::int64_t area = size.out_area(), in_area = size.area();
  const std::int64_t group_channels = size.channels / size.groups,
                     group_out = size.out_channels / size.groups;
  const std::int64_t part_channels = size.channels / size.deform_groups;
  const std::int64_t first = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  for (std::int64_t index = first; index < count; index += std::int64_t{gridDim.x} * kThreads) {
    const std::int64_t out = index / area % size.out_channels;
    const Pixel pixel(index / area / size.out_channels * area + index % area, size);
    const std::int64_t begin = out / group_out * group_channels, end = begin + group_channels;
    float sum = tensors.bias == nullptr ? 0.0f : static_cast<float>(tensors.bias[out]);
    for (std::int64_t channel = begin; channel < end;) {
      const auto part = static_cast<int>(channel / part_channels);
      const std::int64_t stop = (part + 1) * part_channels < end ? (part + 1) * part_channels : end;
      for (int tap = 0; tap < size.taps(); ++tap) {
        const Corners at = corners_of(tensors, size, pixel, part, tap);
        const T* image = tensors.x + (pixel.image * size.channels + channel) * in_area + at.first;
        const T* weight =
            tensors.weight + (out * group_channels + channel - begin) * size.taps() + tap;
        for (std::int64_t left = stop - channel; left > 0;
             --left, image += in_area, weight += size.taps()) {
          float value = 0.0f;
          if (at.shares.x != 0.0f) value += at.shares.x * static_cast<float>(image[0]);
          if (at.shares.y != 0.0f) value += at.shares.y * static_cast<float>(image[1]);
          if (at.shares.z != 0.0f) value += at.shares.z * static_cast<float>(image[size.width]);
          if (at.shares.w != 0.0f) value += at.shares.w * static_cast<float>(image[size.width + 1]);
          sum += value * static_cast<float>(*weight);
        }
      }
      channel = stop;
    }
    tensors.y[index] = static_cast<T>(sum);
  }
}

}  // namespace deform_conv_detail
}  // namespace farm
