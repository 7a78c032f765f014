// Sampling from a copy of the input that has its channels last: what a tap reads are whole lines,
// wherever it lies.
#pragma once

#include <cstdint>

#include "kernel.hpp"
#include "stencil.cuh"

namespace farm {

constexpr int kLanes = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

constexpr int kJudgeThreads = 1024;
constexpr int kJudgedWarps = 256;  // of places side by side, spread over the grid
constexpr int kSectorBytes = 32;

// Whether the grid jumps about: in a quarter of the pairs of neighbours or more, the second needs
// another sector than the first or the one beside it. One block, some microseconds: the price of
// knowing what no size tells.
template <typename T, int kAxes>
__global__ void __launch_bounds__(kJudgeThreads)
    judge_grid(GridSampler how, const T* __restrict__ grid, int* rough) {
  __shared__ int jumps;
  if (threadIdx.x == 0) jumps = 0;
  __syncthreads();
  const int lane = threadIdx.x % kLanes;
  const std::int64_t warps = how.images * how.places / kLanes;
  const int judged = static_cast<int>(warps < kJudgedWarps ? warps : kJudgedWarps);
  for (int i = threadIdx.x / kLanes; i < judged; i += kJudgeThreads / kLanes) {
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
  if (threadIdx.x == 0) *rough = 4 * jumps >= judged * (kLanes - 1) && judged > 0;
}

constexpr int kTurnRows = 8;

// [images, channels, plane] to [images, plane, channels] by squares of 32 x 32, rows of 32 threads;
// the square in shared memory (4.2 KB) is one wider, so that its columns lie in different banks.
// Bound: memory.
template <typename T>
__global__ void __launch_bounds__(kLanes* kTurnRows)
    turn_channels(GridSampler how, const T* __restrict__ input, T* __restrict__ turned,
                  const int* rough) {
  if (*rough == 0) return;
  __shared__ T square[kLanes][kLanes + 1];
  const std::int64_t plane = static_cast<std::int64_t>(how.depth) * how.height * how.width;
  // A plane, and all blocks, are no more than 31 bits count.
  const auto columns = static_cast<unsigned>((plane + kLanes - 1) / kLanes);
  const unsigned rows = (how.channels + kLanes - 1) / kLanes;
  const unsigned block = blockIdx.x / columns;
  const std::int64_t image = block / rows;
  const int channel = static_cast<int>(block % rows) * kLanes;
  const std::int64_t element = std::int64_t{blockIdx.x % columns} * kLanes;
  const int x = threadIdx.x;
  const std::int64_t start = image * how.channels * plane;
  for (int y = threadIdx.y; y < kLanes; y += kTurnRows) {
    if (channel + y < how.channels && element + x < plane) {
      square[y][x] = input[start + (channel + y) * plane + element + x];
    }
  }
  __syncthreads();
  for (int y = threadIdx.y; y < kLanes; y += kTurnRows) {
    if (channel + x < how.channels && element + y < plane) {
      turned[start + (element + y) * how.channels + channel + x] = square[x][y];
    }
  }
}

constexpr int kTilePlaces = 128;
constexpr int kTileThreads = 256;

// A block samples 128 places: one thread each finds their stencils, then a warp takes one place at
// a time with its lanes on 32 channels, four places under way; the tile goes through shared memory,
// since the output has its places last. Shared memory: the tile 16.5 KB, stencils 1 KB for each tap
// (16.5 KB of taps at most). Bound: L2, which gives whole lines.
template <typename T, int kAxes, Interpolation kHow>
__global__ void __launch_bounds__(kTileThreads)
    sample_turned(GridSampler how, const T* __restrict__ turned, const T* __restrict__ grid,
                  T* __restrict__ output, const int* rough) {
  if (*rough == 0) return;
  constexpr int kTaps = Stencil<kAxes, kHow>::kTaps;
  __shared__ int index[kTaps][kTilePlaces];
  __shared__ float share[kTaps][kTilePlaces];
  __shared__ float tile[kLanes][kTilePlaces + 1];
  const auto tiles = static_cast<unsigned>((how.places + kTilePlaces - 1) / kTilePlaces);
  const std::int64_t image = blockIdx.x / tiles;
  const std::int64_t first = std::int64_t{blockIdx.x % tiles} * kTilePlaces;
  const int places =
      static_cast<int>(min(static_cast<std::int64_t>(kTilePlaces), how.places - first));
  const int thread = threadIdx.x;
  if (thread < kTilePlaces) {
    Stencil<kAxes, kHow> stencil;
    if (thread < places) {
      stencil = stencil_of<kAxes, kHow>(how, grid + (image * how.places + first + thread) * kAxes);
    }
#pragma unroll
    for (int tap = 0; tap < kTaps; ++tap) {
      index[tap][thread] = thread < places ? stencil.index[tap] : kOutside;
      share[tap][thread] = thread < places ? stencil.share[tap] : 0.0f;
    }
  }
  const std::int64_t plane = static_cast<std::int64_t>(how.depth) * how.height * how.width;
  const T* from = turned + image * plane * how.channels;
  const int lane = thread % kLanes;
  const int warp = thread / kLanes;
  for (int channel = 0; channel < how.channels; channel += kLanes) {
    __syncthreads();
    const bool there = channel + lane < how.channels;
#pragma unroll 4
    for (int place = warp; place < kTilePlaces; place += kTileThreads / kLanes) {
      float sum = 0.0f;
#pragma unroll
      for (int tap = 0; tap < kTaps; ++tap) {
        const int at = index[tap][place];
        const std::int64_t offset = static_cast<std::int64_t>(at) * how.channels + channel + lane;
        sum = fmaf(share[tap][place], there && at >= 0 ? wide(from[offset]) : 0.0f, sum);
      }
      tile[lane][place] = sum;
    }
    __syncthreads();
    for (int i = thread; i < kLanes * kTilePlaces; i += kTileThreads) {
      const int row = i / kTilePlaces;
      const int place = i % kTilePlaces;
      if (channel + row < how.channels && place < places) {
        T* to = output + (image * how.channels + channel + row) * how.places + first;
        narrow(to[place], tile[row][place]);
      }
    }
  }
}

}  // namespace farm
