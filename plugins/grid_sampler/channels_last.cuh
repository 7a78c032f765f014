// Sampling from a copy of the input that has its channels last: what a tap reads are whole lines,
// wherever it lies.
#pragma once

#include <cstdint>
#include <cstring>

#include "kernel.hpp"
#include "stencil.cuh"

namespace farm {

constexpr int kTurnRows = 8;
constexpr int kTurnThreads = kLanes * kTurnRows;
constexpr int kJudgedWarps = 64;  // of places side by side, spread over the grid
constexpr int kSectorBytes = 32;

// Whether the grid jumps about: in a quarter of the pairs of neighbours or more, the second needs
// another sector than the first or the one beside it. Some microseconds of every block, which all
// come to the same: the price of knowing what no size tells.
template <typename T, int kAxes>
__device__ bool is_rough(const GridSampler& how, const T* __restrict__ grid) {
  __shared__ int jumps;
  const int lane = threadIdx.x;
  if (lane == 0 && threadIdx.y == 0) jumps = 0;
  __syncthreads();
  const std::int64_t warps = how.images * how.places / kLanes;
  const int judged = static_cast<int>(warps < kJudgedWarps ? warps : kJudgedWarps);
#pragma unroll 4
  for (int i = threadIdx.y; i < judged; i += kTurnRows) {
    const std::int64_t place = warps * i / judged * kLanes + lane;
    // The nearest element stands for all that count there.
    const int here = stencil_of<kAxes, Interpolation::kNearest>(how, grid + place * kAxes).index[0];
    const int before = __shfl_up_sync(kAllLanes, here, 1);
    const std::int64_t apart = static_cast<std::int64_t>(here) - before;
    const bool reads = here >= 0 && before >= 0;
    const bool jumped =
        reads && (apart < 0 ? -apart : apart) * static_cast<int>(sizeof(T)) > kSectorBytes;
    const unsigned all = __ballot_sync(kAllLanes, jumped);
    if (lane == 0) atomicAdd(&jumps, __popc(all));
  }
  __syncthreads();
  return 4 * jumps >= judged * (kLanes - 1) && judged > 0;
}

// Of a copy with its channels last, elements that lie side by side, at whole vectors.
template <typename T>
constexpr int kVector = 16 / sizeof(T);

template <typename T>
__host__ __device__ inline int turned_channels(const GridSampler& how) {
  return (how.channels + kVector<T> - 1) / kVector<T> * kVector<T>;
}

// [images, channels, plane] to [images, plane, channels], the channels filled up to whole vectors:
// squares of 32 elements by 32 words of one or two channels, through shared memory (4.2 KB), whose
// rows are one word longer, so that its columns lie in different banks. Bound: memory.
template <typename T, int kAxes>
__global__ void __launch_bounds__(kTurnThreads)
    turn_channels(GridSampler how, const T* __restrict__ input, const T* __restrict__ grid,
                  T* __restrict__ turned, int* rough) {
  const bool needed = is_rough<T, kAxes>(how, grid);
  if (blockIdx.x == 0 && threadIdx.x == 0 && threadIdx.y == 0) *rough = needed;
  if (!needed) return;
  constexpr int kWord = 4 / sizeof(T);  // channels
  struct alignas(4) Channels {
    T of[kWord];
  };
  __shared__ Channels square[kLanes][kLanes + 1];
  const std::int64_t plane = static_cast<std::int64_t>(how.depth) * how.height * how.width;
  const std::int64_t columns = (plane + kLanes - 1) / kLanes;
  const int pitch = turned_channels<T>(how);
  const int rows = (pitch + kLanes * kWord - 1) / (kLanes * kWord);
  const std::int64_t squares = columns * rows * how.images;
  const int x = threadIdx.x;
  for (std::int64_t i = blockIdx.x; i < squares; i += gridDim.x) {
    const std::int64_t image = i / columns / rows;
    const int channel = static_cast<int>(i / columns % rows) * kLanes * kWord;
    const std::int64_t element = i % columns * kLanes;
    const T* from = input + (image * how.channels + channel) * plane + element;
    T* to = turned + (image * plane + element) * pitch + channel;
#pragma unroll
    for (int y = threadIdx.y; y < kLanes; y += kTurnRows) {
      Channels word;
#pragma unroll
      for (int k = 0; k < kWord; ++k) {
        const bool there = channel + y * kWord + k < how.channels && element + x < plane;
        if (there) {
          word.of[k] = from[(y * kWord + k) * plane + x];
        } else {
          narrow(word.of[k], 0.0f);
        }
      }
      square[y][x] = word;
    }
    __syncthreads();
#pragma unroll
    for (int y = threadIdx.y; y < kLanes; y += kTurnRows) {
      if (channel + x * kWord < pitch && element + y < plane) {
        *reinterpret_cast<Channels*>(to + static_cast<std::int64_t>(y) * pitch + x * kWord) =
            square[x][y];
      }
    }
    __syncthreads();
  }
}

constexpr int kTilePlaces = 128;
constexpr int kTileThreads = 256;
constexpr int kTeam = 8;  // lanes that read one element: 128 bytes

// A block samples 128 places: one thread each finds their stencils, then eight lanes take one place
// at a time, each with 16 bytes of channels, so that a tap is one whole line and a warp has four
// places under way; the tile goes through shared memory, since the output has its places last.
// Shared memory: the tile 16.5 KB, stencils 1 KB for each tap (16 KB of taps at most). Bound: L2,
// which gives whole lines.
template <typename T, int kAxes, Interpolation kHow>
__global__ void __launch_bounds__(kTileThreads)
    sample_turned(GridSampler how, const T* __restrict__ turned, const T* __restrict__ grid,
                  T* __restrict__ output, const int* rough) {
  if (*rough == 0) return;
  constexpr int kTaps = Stencil<kAxes, kHow>::kTaps;
  constexpr int kChannels = kTeam * kVector<T>;
  struct alignas(16) Vector {
    T of[kVector<T>];
  };
  __shared__ int index[kTaps][kTilePlaces];
  __shared__ float share[kTaps][kTilePlaces];
  // Rows of an odd number of words, so that the places and channels of a warp lie in many banks.
  __shared__ T tile[kChannels][kTilePlaces + 4 / sizeof(T)];
  const std::int64_t across = (how.places + kTilePlaces - 1) / kTilePlaces;
  const std::int64_t plane = static_cast<std::int64_t>(how.depth) * how.height * how.width;
  const int pitch = turned_channels<T>(how);
  const int thread = threadIdx.x;
  const int lane = thread % kTeam;
  for (std::int64_t block = blockIdx.x; block < across * how.images; block += gridDim.x) {
    const std::int64_t image = block / across;
    const std::int64_t first = block % across * kTilePlaces;
    const int places =
        static_cast<int>(min(static_cast<std::int64_t>(kTilePlaces), how.places - first));
    if (thread < kTilePlaces) {
      Stencil<kAxes, kHow> stencil;
      if (thread < places) {
        stencil =
            stencil_of<kAxes, kHow>(how, grid + (image * how.places + first + thread) * kAxes);
      }
#pragma unroll
      for (int tap = 0; tap < kTaps; ++tap) {
        index[tap][thread] = thread < places ? stencil.index[tap] : kOutside;
        share[tap][thread] = thread < places ? stencil.share[tap] : 0.0f;
      }
    }
    __syncthreads();
    for (int channel = 0; channel < how.channels; channel += kChannels) {
      const bool there = channel + lane * kVector<T> < pitch;
      const T* from = turned + image * plane * pitch + channel + lane * kVector<T>;
#pragma unroll 2
      for (int place = thread / kTeam; place < kTilePlaces; place += kTileThreads / kTeam) {
        float sum[kVector<T>] = {};
#pragma unroll
        for (int tap = 0; tap < kTaps; ++tap) {
          const int at = index[tap][place];
          Vector vector = {};
          if (there && at >= 0) {
            const auto* whole =
                reinterpret_cast<const uint4*>(from + static_cast<std::int64_t>(at) * pitch);
            const uint4 word = __ldg(whole);
            memcpy(&vector, &word, sizeof vector);
          }
#pragma unroll
          for (int k = 0; k < kVector<T>; ++k) {
            sum[k] = fmaf(share[tap][place], wide(vector.of[k]), sum[k]);
          }
        }
#pragma unroll
        for (int k = 0; k < kVector<T>; ++k) narrow(tile[lane * kVector<T> + k][place], sum[k]);
      }
      __syncthreads();
      T* to = output + (image * how.channels + channel) * how.places + first;
      for (int i = thread; i < kChannels * kTilePlaces; i += kTileThreads) {
        const int row = i / kTilePlaces;
        const int place = i % kTilePlaces;
        if (channel + row < how.channels && place < places) {
          to[row * how.places + place] = tile[row][place];
        }
      }
      __syncthreads();
    }
  }
}

}  // namespace farm
