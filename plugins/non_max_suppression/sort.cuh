// The boxes of each segment, the best first; of equal scores the one that comes first.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cmath>
#include <cstdint>

#include "places.cuh"

namespace farm {

constexpr int kRun = 2048;  // keys that one block sorts
constexpr int kSortThreads = kRun / 2;
constexpr int kThreads = 256;
constexpr unsigned kNoScore = 0xFFFFFFFFu;

__device__ __forceinline__ float wide(float value) { return value; }
__device__ __forceinline__ float wide(__half value) { return __half2float(value); }

// Smaller for better scores, so that keys are sorted upwards; the largest for NaN.
__device__ __forceinline__ unsigned rank_of(float score) {
  if (isnan(score)) return kNoScore;
  const unsigned bits = __float_as_uint(score + 0.0f);  // one zero
  return (bits & 0x80000000u) != 0 ? bits : 0x7FFFFFFFu - bits;
}

// The score above, the place of the box below: no two keys are equal, so that any sorting gives the
// one order.
__device__ __forceinline__ Key key_of(float score, int box) {
  return static_cast<Key>(rank_of(score)) << 32 | static_cast<unsigned>(box);
}

// Sorts runs of 2048 keys, each by one block of 1024 threads that exchange pairs in shared memory
// (16 KB): a bitonic network of 66 steps. Bound: the latency of barriers.
template <typename T>
__global__ void __launch_bounds__(kSortThreads)
    sort_runs(NonMaxSuppression how, const T* __restrict__ scores, Key* __restrict__ keys) {
  __shared__ Key run[kRun];
  const int runs = (how.boxes + kRun - 1) / kRun;
  const std::int64_t segment = blockIdx.x / runs;
  const int first = static_cast<int>(blockIdx.x % runs) * kRun;
  const T* from = scores + segment * how.boxes;
  for (int i = threadIdx.x; i < kRun; i += kSortThreads) {
    run[i] = first + i < how.boxes ? key_of(wide(from[first + i]), first + i) : ~Key{0};
  }
  for (int size = 2; size <= kRun; size *= 2) {
    for (int apart = size / 2; apart > 0; apart /= 2) {
      __syncthreads();
      const int thread = threadIdx.x;
      const int low = 2 * thread - (thread & (apart - 1));
      const bool upwards = (low & size) == 0;
      const Key a = run[low];
      const Key b = run[low + apart];
      if ((a > b) == upwards) {
        run[low] = b;
        run[low + apart] = a;
      }
    }
  }
  __syncthreads();
  Key* to = keys + segment * how.boxes;
  for (int i = threadIdx.x; i < kRun && first + i < how.boxes; i += kSortThreads) {
    to[first + i] = run[i];
  }
}

// How many of the sorted keys are smaller.
__device__ __forceinline__ int smaller(const Key* keys, int count, Key key) {
  int low = 0;
  while (count > 0) {
    const int half = count / 2;
    if (keys[low + half] < key) {
      low += half + 1;
      count -= half + 1;
    } else {
      count = half;
    }
  }
  return low;
}

// Merges runs in pairs: each thread finds where its key belongs, from its place in its own run and
// the number of smaller keys in the other one. Bound: the latency of that search, a dozen reads of
// L2 after each other.
__global__ void merge_runs(int boxes, unsigned blocks_each, int length,
                           const Key* __restrict__ from, Key* __restrict__ to) {
  const std::int64_t start = std::int64_t{blockIdx.x / blocks_each} * boxes;
  const int place = static_cast<int>(blockIdx.x % blocks_each * kThreads + threadIdx.x);
  if (place >= boxes) return;
  const int pair = place / length / 2 * length * 2;
  const bool second = place - pair >= length;
  const int middle = min(pair + length, boxes);
  const int end = min(middle + length, boxes);
  const Key key = from[start + place];
  const int other = second ? pair : middle;
  const int count = second ? length : end - middle;
  const int before = smaller(from + start + other, count, key);
  to[start + place + before - (second ? length : 0)] = key;
}

// Two opposite corners of a box, the least first; a NaN gives way.
template <typename T>
__device__ __forceinline__ float4 corners_of(const T* box, bool centred) {
  const float a = wide(box[0]);
  const float b = wide(box[1]);
  const float c = wide(box[2]);
  const float d = wide(box[3]);
  if (centred) return {a - c * 0.5f, b - d * 0.5f, a + c * 0.5f, b + d * 0.5f};
  return {fminf(a, c), fminf(b, d), fmaxf(a, c), fmaxf(b, d)};
}

// Puts the boxes of each segment in order, one thread for each, and says how many there are with
// scores above: where the sorted scores cross it.
template <typename T>
__global__ void order_boxes(NonMaxSuppression how, unsigned blocks_each,
                            const T* __restrict__ boxes, Places places) {
  const std::int64_t segment = blockIdx.x / blocks_each;
  const int place = static_cast<int>(blockIdx.x % blocks_each * kThreads + threadIdx.x);
  if (place >= how.boxes) return;
  const Key* keys = places.keys + segment * how.boxes;
  const auto box = static_cast<std::int64_t>(keys[place] & 0xFFFFFFFFu);
  const std::int64_t image = segment / how.classes;
  places.boxes[segment * how.boxes + place] =
      corners_of(boxes + (image * how.boxes + box) * 4, how.centred);
  const Key limit = static_cast<Key>(rank_of(how.score)) << 32;
  const bool in = keys[place] < limit;
  const bool next_in = place + 1 < how.boxes && keys[place + 1] < limit;
  if (in && !next_in) places.candidates[segment] = place + 1;
  if (place == 0 && !in) {
    places.candidates[segment] = how.legacy && keys[0] >> 32 != kNoScore ? 1 : 0;
  }
}

}  // namespace farm
