// The average of the samples of each bin.
#pragma once

#include <cstdint>

#include "common/shared.cuh"
#include "planes.cuh"
#include "rois.cuh"
#include "tables.cuh"
#include "walk.cuh"

namespace farm {

constexpr int kMostThreads = 1024;

// Which of the rois that a block looks at together are of its image, in no order.
struct alignas(16) List {
  int count;
  int taken;
  unsigned short at[kMostThreads];
};

// What a block needs of shared memory besides elements: the list, and a window for each warp.
__host__ __device__ inline int block_bytes(int threads) {
  return static_cast<int>(sizeof(List)) + threads * static_cast<int>(sizeof(Tap));
}

// Looks at as many rois as there are threads, from `base` on.
template <typename T>
__device__ __forceinline__ void fill_list(const RoiAlign& how, const T* rois, std::int64_t base,
                                          int image, List* list) {
  const int lane = threadIdx.x % kWarp;
  const int thread = static_cast<int>(threadIdx.x);
  if (thread == 0) list->count = list->taken = 0;
  __syncthreads();
  const int owner = base + thread < how.rois ? image_of(how, rois + (base + thread) * 5) : -2;
  // Those of no image, which have no taps, are for the first one.
  const bool ours = owner == image || (owner == -1 && image == 0);
  const unsigned votes = __ballot_sync(kAllLanes, ours);
  int start = lane == 0 ? atomicAdd(&list->count, __popc(votes)) : 0;
  start = __shfl_sync(kAllLanes, start, 0);
  const int before = __popc(votes & ((1u << lane) - 1u));
  if (ours) list->at[start + before] = static_cast<unsigned short>(thread);
  __syncthreads();
}

template <Source kSource, bool kKnown, typename T>
__device__ __forceinline__ void walk(const RoiAlign& how, const Planes<T>& planes,
                                     const RoiTaps& taps, Tap* window, const Bins<T>& bins) {
  if constexpr (kKnown) {
    walk_known<kSource>(how, planes, taps, window, bins);
  } else {
    walk_any<kSource>(how, planes, taps, window, bins);
  }
}

// A block owns a word's planes of one image. It copies the first `resident` elements to shared
// memory, whole planes where they fit, and its warps take the rois of that image one after the
// other: planes are read from memory once, side by side, and never waited for again. `kKnown`:
// every bin has one quad of taps along each axis.
template <typename T, bool kStaged, bool kKnown>
__global__ void __launch_bounds__(kMostThreads)
    average_kernel(RoiAlign how, Tables tables, const T* __restrict__ features,
                   const T* __restrict__ rois, T* __restrict__ output, int resident) {
  const int lane = threadIdx.x % kWarp;
  const int thread = static_cast<int>(threadIdx.x);
  const int threads = static_cast<int>(blockDim.x);
  const int groups = (how.channels + kPlanes<T> - 1) / kPlanes<T>;
  const int image = static_cast<int>(blockIdx.x) / groups;
  const int channel = static_cast<int>(blockIdx.x) % groups * kPlanes<T>;
  auto* list = dynamic_shared<List>();
  auto* windows = reinterpret_cast<Tap*>(list + 1);
  const int zeros = zeros_before(how.width);
  auto* words = reinterpret_cast<Word<T>*>(windows + threads) + zeros;

  Bins<T> bins = {};
  bins.apart = static_cast<std::int64_t>(how.bin_rows) * how.bin_columns;
  bins.present = min(kPlanes<T>, how.channels - channel);
  Planes<T> planes = {};
  planes.shared = words;
  planes.resident = resident * kWordBytes;
  planes.zeros = -zeros * kWordBytes;
#pragma unroll
  for (int p = 0; p < kPlanes<T>; ++p) {
    const std::int64_t plane =
        static_cast<std::int64_t>(image) * how.channels + channel + min(p, bins.present - 1);
    planes.global[p] = features + plane * how.height * how.width;
  }
  if constexpr (kStaged) {
    const Word<T> zero = {};
    for (int i = thread; i < zeros; i += threads) words[i - zeros] = zero;
    stage(planes.global, words, resident);
  }
  const std::int64_t stride = static_cast<std::int64_t>(threads) * gridDim.y;
  for (std::int64_t base = static_cast<std::int64_t>(blockIdx.y) * threads; base < how.rois;
       base += stride) {
    __syncthreads();
    fill_list(how, rois, base, image, list);
    for (int next = thread / kWarp;; next += threads / kWarp) {
      if constexpr (!kKnown) {  // rois take longer or shorter
        next = lane == 0 ? atomicAdd(&list->taken, 1) : 0;
        next = __shfl_sync(kAllLanes, next, 0);
      }
      if (next >= list->count) break;
      const std::int64_t roi = base + list->at[next];
      RoiTaps taps;
      taps.rows = tables.taps + roi * (tables.row_quads + tables.column_quads) * kQuad;
      taps.columns = taps.rows + tables.row_quads * kQuad;
      taps.row_starts = tables.starts + roi * starts_of(how);
      taps.column_starts = taps.row_starts + how.bin_rows + 1;
      bins.first = output + (roi * how.channels + channel) * bins.apart;
      Tap* window = windows + thread / kWarp * kWarp;
      if constexpr (!kStaged) {
        walk<Source::kGlobal, kKnown>(how, planes, taps, window, bins);
      } else if (taps.row_starts[starts_of(how) - 1] >= resident) {
        walk<Source::kMixed, kKnown>(how, planes, taps, window, bins);
      } else {
        walk<Source::kShared, kKnown>(how, planes, taps, window, bins);
      }
    }
  }
}

}  // namespace farm
