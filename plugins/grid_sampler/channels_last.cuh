// Sampling from a copy of the input that has its channels last: what a tap reads are whole lines,
// wherever it lies.
#pragma once

#include <cstdint>
#include <cstring>

#include "common/launch.cuh"
#include "kernel.hpp"
#include "stencil.cuh"

namespace farm {

constexpr int kTurnRows = 8;
constexpr int kTurnThreads = kLanes * kTurnRows;
constexpr int kJudgedWarps = 16;  // of places side by side, spread over the grid
constexpr int kSectorBytes = 32;

// The element nearest to a place, or about where it would be: judging needs no more, and takes few
// registers.
template <typename T, int kAxes>
__device__ __forceinline__ int element_near(const GridSampler& how, const T* place) {
  const int sizes[] = {how.width, how.height, how.depth};
  int element = 0;
#pragma unroll
  for (int axis = kAxes - 1; axis >= 0; --axis) {
    const float within = fmaxf(fminf(wide(place[axis]), 1.0f), -1.0f);
    const float at = (within + 1.0f) * 0.5f * static_cast<float>(sizes[axis]) - 0.5f;
    element = element * sizes[axis] + __float2int_rn(at);
  }
  return element;
}

// Whether the grid jumps about: in a quarter of the pairs of neighbours or more, the second needs
// another sector than the first or the one beside it. A microsecond of every block, which all come
// to the same: the price of knowing what no size tells.
template <typename T, int kAxes>
__device__ __forceinline__ bool is_rough(const GridSampler& how, const T* __restrict__ grid) {
  __shared__ int jumps;
  const int lane = threadIdx.x;
  if (lane == 0 && threadIdx.y == 0) jumps = 0;
  __syncthreads();
  const std::int64_t warps = how.images * how.places / kLanes;
  const int judged = static_cast<int>(warps < kJudgedWarps ? warps : kJudgedWarps);
#pragma unroll
  for (int i = threadIdx.y; i < kJudgedWarps; i += kTurnRows) {
    if (i >= judged) break;
    const std::int64_t place = warps / judged * i * kLanes + lane;
    const int here = element_near<T, kAxes>(how, grid + place * kAxes);
    const int before = __shfl_up_sync(kAllLanes, here, 1);
    const int apart = abs(here - before);
    const bool jumped = apart > kSectorBytes / static_cast<int>(sizeof(T));
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

// How the blocks that turn channels are laid out: side by side those of one or two times 32
// channels, each image's after the other's; below each other those that share its plane.
template <typename T>
struct Turning {
  static constexpr int kWord = 4 / sizeof(T);  // channels that are moved together
  static constexpr int kChannels = kLanes * kWord;
  static constexpr int kElements = 2 * kLanes;
};

// [images, channels, plane] to [images, plane, channels], the channels filled up to whole vectors:
// squares of 64 elements by 32 words of one or two channels, through shared memory (8.1 KB), whose
// rows are one word longer, so that its columns lie in different banks. A block goes down a plane,
// so that nothing is divided on the way. Bound: memory.
template <typename T, int kAxes>
__global__ void __launch_bounds__(kTurnThreads, fitting(8, kTurnThreads))
    turn_channels(GridSampler how, const T* __restrict__ input, const T* __restrict__ grid,
                  T* __restrict__ turned, int* rough) {
  using Squares = Turning<T>;
  constexpr int kWord = Squares::kWord;
  const bool needed = is_rough<T, kAxes>(how, grid);
  if (blockIdx.x == 0 && blockIdx.y == 0 && threadIdx.x == 0 && threadIdx.y == 0) *rough = needed;
  if (!needed) return;
  struct alignas(4) Channels {
    T of[kWord];
  };
  __shared__ Channels square[kLanes][Squares::kElements + 1];
  const int plane = how.depth * how.height * how.width;
  const int pitch = turned_channels<T>(how);
  const unsigned rows = (pitch + Squares::kChannels - 1) / Squares::kChannels;
  const std::int64_t image = blockIdx.x / rows;
  const int channel = static_cast<int>(blockIdx.x % rows) * Squares::kChannels;
  const int x = threadIdx.x, y = threadIdx.y;
  const T* from = input + (image * how.channels + channel + y * kWord) * plane + x;
  T* to = turned + (image * plane + y) * pitch + channel + x * kWord;
  const bool within = channel + x * kWord < pitch;
  const int step = static_cast<int>(gridDim.y) * Squares::kElements;
  for (int element = blockIdx.y * Squares::kElements; element < plane; element += step) {
#pragma unroll
    for (int i = 0; i < kLanes; i += kTurnRows) {
#pragma unroll
      for (int half = 0; half < Squares::kElements; half += kLanes) {
        Channels word;
#pragma unroll
        for (int k = 0; k < kWord; ++k) {
          const bool there =
              channel + (y + i) * kWord + k < how.channels && half + x < plane - element;
          if (there) {
            word.of[k] = from[static_cast<std::int64_t>(i * kWord + k) * plane + element + half];
          } else {
            narrow(word.of[k], 0.0f);
          }
        }
        square[y + i][half + x] = word;
      }
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < Squares::kElements; i += kTurnRows) {
      if (within && y + i < plane - element) {
        *reinterpret_cast<Channels*>(to + static_cast<std::int64_t>(element + i) * pitch) =
            square[x][y + i];
      }
    }
    __syncthreads();
    if (plane - element <= step) break;  // before their sum passes 2^31
  }
}

constexpr int kTilePlaces = 128;
constexpr int kTileThreads = 256;
constexpr int kTeam = 8;  // lanes that read one element: 128 bytes

// The elements that count for a place, as words of shared memory that are read four at a time.
template <int kCount>
struct alignas(kCount < 4 ? 4 * kCount : 16) Taps {
  int index[kCount];
  float share[kCount];
};

// Blocks on a multiprocessor, by the registers that stencils of so many taps need.
constexpr int sampling_blocks(int taps) {
  if (taps > 4) return taps > 8 ? 3 : 4;
  return taps > 1 ? 5 : 8;
}

// A block samples 128 places: one thread each finds their stencils, then eight lanes take one place
// at a time, each with 16 bytes of channels, so that a tap is one whole line and a warp has four
// places under way, and of each four taps; the tile goes through shared memory, since the output
// has its places last. Shared memory: the tile 16.5 KB, stencils 1 KB for each tap (16 KB of taps
// at most). Bound: L2, which gives whole lines.
template <typename T, int kAxes, Interpolation kHow>
__global__ void __launch_bounds__(
    kTileThreads, fitting(sampling_blocks(Stencil<kAxes, kHow>::kTaps), kTileThreads))
    sample_turned(GridSampler how, const T* turned, const T* __restrict__ grid, T* output,
                  const int* rough) {
  if (*rough == 0) return;
  constexpr int kTaps = Stencil<kAxes, kHow>::kTaps;
  constexpr int kAtOnce = kTaps < 4 ? kTaps : 4;
  constexpr int kChannels = kTeam * kVector<T>;
  constexpr int kRows = kTileThreads / kTilePlaces;
  struct alignas(16) Vector {
    T of[kVector<T>];
  };
  __shared__ Taps<kAtOnce> taps[kTilePlaces][kTaps / kAtOnce];
  // Rows of an odd number of words, so that the places and channels of a warp lie in many banks.
  __shared__ T tile[kChannels][kTilePlaces + 4 / sizeof(T)];
  const auto across = static_cast<unsigned>((how.places + kTilePlaces - 1) / kTilePlaces);
  const std::int64_t plane = static_cast<std::int64_t>(how.depth) * how.height * how.width;
  const int pitch = turned_channels<T>(how);
  const int thread = threadIdx.x;
  const int lane = thread % kTeam;
  const int column = thread % kTilePlaces;
  const unsigned blocks = across * static_cast<unsigned>(how.images);
  for (unsigned block = blockIdx.x; block < blocks; block += gridDim.x) {
    const std::int64_t image = block / across;
    const std::int64_t first = static_cast<std::int64_t>(block % across) * kTilePlaces;
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
        Taps<kAtOnce>& some = taps[thread][tap / kAtOnce];
        some.index[tap % kAtOnce] = thread < places ? stencil.index[tap] : kOutside;
        some.share[tap % kAtOnce] = thread < places ? stencil.share[tap] : 0.0f;
      }
    }
    __syncthreads();
    for (int channel = 0; channel < how.channels; channel += kChannels) {
      const bool there = channel + lane * kVector<T> < pitch;
      const T* from = turned + image * plane * pitch + channel + lane * kVector<T>;
#pragma unroll 2
      for (int place = thread / kTeam; place < kTilePlaces; place += kTileThreads / kTeam) {
        float sum[kVector<T>] = {};
#pragma unroll 1
        for (int group = 0; group < kTaps / kAtOnce; ++group) {
          const Taps<kAtOnce> some = taps[place][group];
          uint4 words[kAtOnce];
#pragma unroll
          for (int tap = 0; tap < kAtOnce; ++tap) {
            words[tap] = uint4{};
            if (there && some.index[tap] >= 0) {
              words[tap] = *reinterpret_cast<const uint4*>(
                  from + static_cast<std::int64_t>(some.index[tap]) * pitch);
            }
          }
          __syncwarp();  // all are under way: the compiler would wait for two of them, then go on
#pragma unroll
          for (int tap = 0; tap < kAtOnce; ++tap) {
            Vector vector;
            memcpy(&vector, &words[tap], sizeof vector);
#pragma unroll
            for (int k = 0; k < kVector<T>; ++k) {
              sum[k] = fmaf(some.share[tap], wide(vector.of[k]), sum[k]);
            }
          }
        }
#pragma unroll
        for (int k = 0; k < kVector<T>; ++k) narrow(tile[lane * kVector<T> + k][place], sum[k]);
      }
      __syncthreads();
      if (column < places) {
        T* to = output + (image * how.channels + channel) * how.places + first + column;
        const int rows = min(kChannels, how.channels - channel);
#pragma unroll 4
        for (int row = thread / kTilePlaces; row < rows; row += kRows) {
          to[row * how.places] = tile[row][column];
        }
      }
      __syncthreads();
    }
  }
}

}  // namespace farm
