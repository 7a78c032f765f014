// Which boxes stay: a walk over each segment's boxes from the best on, and the rows of the output.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "common/shared.cuh"
#include "places.cuh"
#include "sort.cuh"

namespace farm {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;
constexpr int kSweepThreads = 1024;

__device__ __forceinline__ Bits vote(bool low, bool high) {
  const Bits above = __ballot_sync(kAllLanes, high);
  return above << kWarp | __ballot_sync(kAllLanes, low);
}

// Which boxes of a tile stay, of those that are `undecided`; by one warp, where a lane knows of two
// boxes which better ones of the tile they overlap. Each round decides all whose better ones are
// decided, so that there are as many rounds as the longest chain of overlaps has boxes, 64 at most.
__device__ __forceinline__ Bits decided(Bits undecided, Bits before_low, Bits before_high) {
  const int lane = threadIdx.x % kWarp;
  Bits staying = 0;
  while (undecided != 0) {
    const bool low = (undecided >> lane & 1) != 0;
    const bool high = (undecided >> (lane + kWarp) & 1) != 0;
    const bool low_goes = low && (before_low & staying) != 0;
    const bool high_goes = high && (before_high & staying) != 0;
    const bool low_stays = low && !low_goes && (before_low & undecided) == 0;
    const bool high_stays = high && !high_goes && (before_high & undecided) == 0;
    const Bits stay = vote(low_stays, high_stays);
    undecided &= ~(stay | vote(low_goes, high_goes));
    staying |= stay;
  }
  return staying;
}

// The lowest `count` of the bits that are set.
__device__ __forceinline__ Bits lowest(Bits bits, int count) {
  Bits found = 0;
  for (; count > 0 && bits != 0; --count) {
    found |= bits & (~bits + 1);
    bits &= bits - 1;
  }
  return found;
}

// Adds the overlaps of the boxes that stay to the boxes that are gone, for the tiles after this
// one. Threads side by side have words side by side; where there are more threads than words, they
// share the rows.
__device__ __forceinline__ void add_overlaps(const Bits* overlaps, const int* rows, int row_count,
                                             int words, int tile, int end, Bits* gone) {
  const int left = end - tile - 1;
  if (left <= 0 || row_count == 0) return;
  const int across = min((left + kWarp - 1) / kWarp * kWarp, kSweepThreads);
  const int groups = kSweepThreads / across;
  const int group = static_cast<int>(threadIdx.x) / across;
  if (group >= groups) return;
  for (int i = static_cast<int>(threadIdx.x) % across; i < left; i += across) {
    const int word = tile + 1 + i;
    Bits found = 0;
#pragma unroll 8
    for (int row = group; row < row_count; row += groups) {
      found |= overlaps[static_cast<std::int64_t>(rows[row]) * words + word];
    }
    if (found != 0) atomicOr(&gone[word], found);
  }
}

// One block for each segment walks the tiles of a window: its first warp decides a tile, then all
// threads add what the staying boxes overlap. The bits of boxes that are gone are in shared memory,
// a bit for each box. Bound: latency, two barriers and one or two reads of L2 for each 64 boxes.
__global__ void __launch_bounds__(kSweepThreads)
    sweep(NonMaxSuppression how, Places places, int start, bool last) {
  Bits* gone = dynamic_shared<Bits>();
  __shared__ Bits staying;
  __shared__ int rows[kTile];
  const std::int64_t segment = blockIdx.x;
  const int thread = threadIdx.x;
  const int count = places.candidates[segment];
  int taken = start > 0 ? places.taken[segment] : 0;
  const int end = (count + kTile - 1) / kTile;
  Bits* all_gone = places.gone + segment * places.words;
  for (int i = thread; i < end; i += kSweepThreads) gone[i] = start > 0 ? all_gone[i] : 0;
  const Bits* overlaps = places.overlaps + segment * places.window * places.words;
  const Key* keys = places.keys + segment * how.boxes;
  int* kept = places.kept + segment * how.most;
  __syncthreads();

  const int last_tile = min(end, (start + places.window) / kTile);
  for (int tile = start / kTile; tile < last_tile && taken < how.most; ++tile) {
    const int first = tile * kTile;
    if (thread < kWarp) {
      const Bits* row =
          overlaps + static_cast<std::int64_t>(first - start + thread) * places.words + tile;
      const int present = min(kTile, count - first);
      const Bits there = present == kTile ? ~Bits{0} : (Bits{1} << present) - 1;
      const Bits low = thread < present ? row[0] : 0;
      const Bits high =
          thread + kWarp < present ? row[static_cast<std::int64_t>(kWarp) * places.words] : 0;
      const Bits found = lowest(decided(there & ~gone[tile], low, high), how.most - taken);
      for (int box = thread; box < kTile; box += kWarp) {
        if ((found >> box & 1) == 0) continue;
        const int place = __popcll(found & ((Bits{1} << box) - 1));
        rows[place] = first - start + box;
        kept[taken + place] = static_cast<int>(keys[first + box] & 0xFFFFFFFFu);
      }
      if (thread == 0) staying = found;
    }
    __syncthreads();
    const int stay = __popcll(staying);
    taken += stay;
    add_overlaps(overlaps, rows, stay, places.words, tile, end, gone);
    __syncthreads();
  }
  if (thread == 0) places.taken[segment] = taken;
  if (last) return;
  for (int i = thread; i < end; i += kSweepThreads) all_gone[i] = gone[i];
}

// Writes the rows of one segment behind those of all before it, and -1 into its share of the rows
// that are left.
__global__ void write_rows(NonMaxSuppression how, Places places,
                           std::int32_t* __restrict__ output) {
  __shared__ int before;
  __shared__ int all;
  const int segment = blockIdx.x;
  if (threadIdx.x == 0) before = all = 0;
  __syncthreads();
  for (int i = threadIdx.x; i < places.segments; i += kThreads) {
    atomicAdd(&all, places.taken[i]);
    if (i < segment) atomicAdd(&before, places.taken[i]);
  }
  __syncthreads();
  const std::int64_t own = static_cast<std::int64_t>(segment) * how.most;
  for (int i = threadIdx.x; i < places.taken[segment]; i += kThreads) {
    std::int32_t* row = output + (static_cast<std::int64_t>(before) + i) * 3;
    row[0] = segment / how.classes;
    row[1] = segment % how.classes;
    row[2] = places.kept[own + i];
  }
  for (std::int64_t i = own + threadIdx.x; i < own + how.most; i += kThreads) {
    if (i < all) continue;
    output[i * 3] = output[i * 3 + 1] = output[i * 3 + 2] = -1;
  }
}

}  // namespace farm
