// Input and weights as the tiles want them: channels last, and whole tiles of output channels.
#pragma once

#include "common/deform_conv/plan.hpp"

namespace farm {
namespace deform_conv_detail {

// 16 bytes that are loaded and stored at once.
template <typename T>
struct alignas(kVectorBytes) Vector {
  T items[kVectorBytes / sizeof(T)];
};

constexpr int kTurned = 64;  // pixels and channels of a square that is turned

// [images][channels][area] to [images][area][slices][padded], zero where a slice is padded.
// A block turns 64 pixels of 64 channels in shared memory (8 or 16 KiB): warps read 32 pixels of a
// channel, threads write 16 bytes of a pixel. Reads and writes each element once, so copy bandwidth
// bounds it.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    channels_last(const T* __restrict__ x, T* __restrict__ turned, std::int64_t channels,
                  std::int64_t area, Plan plan, std::int64_t images, std::int64_t pixel_tiles,
                  int channel_tiles) {
  __shared__ T square[kTurned][kTurned + 2];
  constexpr int kVector = kVectorBytes / static_cast<int>(sizeof(T));
  const int thread = static_cast<int>(threadIdx.x);
  const std::int64_t squares = images * pixel_tiles * channel_tiles;
  for (std::int64_t index = blockIdx.x; index < squares; index += gridDim.x) {
    const int channel0 = static_cast<int>(index % channel_tiles) * kTurned;
    const std::int64_t pixel0 = index / channel_tiles % pixel_tiles * kTurned;
    const std::int64_t image = index / channel_tiles / pixel_tiles;
    for (int place = thread; place < kTurned * kTurned; place += kThreads) {
      const int row = place / kTurned, column = place % kTurned;
      const int slice = (channel0 + row) / plan.padded, within = (channel0 + row) % plan.padded;
      const std::int64_t pixel = pixel0 + column;
      const bool there = slice < plan.slices && within < plan.slice && pixel < area;
      const std::int64_t channel = std::int64_t{slice} * plan.slice + within;
      square[row][column] =
          there ? x[(image * channels + channel) * area + pixel] : static_cast<T>(0.0f);
    }
    __syncthreads();
    for (int place = thread; place < kTurned * kTurned / kVector; place += kThreads) {
      const int row = place % (kTurned / kVector) * kVector, column = place / (kTurned / kVector);
      const std::int64_t pixel = pixel0 + column;
      if (pixel < area && channel0 + row < plan.row()) {
        Vector<T> vector;
        for (int item = 0; item < kVector; ++item) vector.items[item] = square[row + item][column];
        T* const to = turned + (image * area + pixel) * plan.row() + channel0 + row;
        *reinterpret_cast<Vector<T>*>(to) = vector;
      }
    }
    __syncthreads();
  }
}

// [out][channels / groups][taps] to [groups][slices][chunks][taps][depth][packed out], zero where
// there is nothing. A thread writes one element. There are far fewer weights than pixels.
template <typename T>
__global__ void __launch_bounds__(kThreads)
    pack_weights(const T* __restrict__ weight, T* __restrict__ packed, int group_channels, int taps,
                 Plan plan, std::int64_t count) {
  const std::int64_t first = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  for (std::int64_t index = first; index < count; index += std::int64_t{gridDim.x} * kThreads) {
    const int column = static_cast<int>(index % plan.packed_out);
    std::int64_t rest = index / plan.packed_out;
    const int row = static_cast<int>(rest % plan.depth());
    rest /= plan.depth();
    const int tap = static_cast<int>(rest % taps);
    rest /= taps;
    const int within = static_cast<int>(rest % plan.chunks) * plan.depth() + row;
    const std::int64_t slice = rest / plan.chunks;
    const std::int64_t group = slice / plan.group_slices;
    const std::int64_t channel = slice % plan.group_slices * plan.slice + within;
    const std::int64_t out = group * plan.group_out + column;
    const bool there = within < plan.slice && column < plan.group_out;
    packed[index] =
        there ? weight[(out * group_channels + channel) * taps + tap] : static_cast<T>(0.0f);
  }
}

}  // namespace deform_conv_detail
}  // namespace farm
