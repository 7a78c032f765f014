// Which boxes of a segment overlap which worse ones, as bits.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "places.cuh"

namespace farm {

constexpr int kTilesAtOnce = 4;
constexpr int kOverlapThreads = kTile * kTilesAtOnce;
// Beyond this much, rounding cannot decide whether a quotient is above the limit.
constexpr float kSurely = 1e-6f;

__device__ __forceinline__ float area_of(const float4& box, float border) {
  return __fmul_rn(__fadd_rn(__fsub_rn(box.z, box.x), border),
                   __fadd_rn(__fsub_rn(box.w, box.y), border));
}

// Whether two boxes overlap by more than the limit, decided as ONNX Runtime does: every step
// rounded, and a quotient compared. It is divided only where the product does not tell. Boxes
// without an area overlap nothing.
__device__ __forceinline__ bool overlap(const float4& a, float area_a, const float4& b,
                                        float area_b, float border, float limit) {
  const float across = __fadd_rn(__fsub_rn(fminf(a.z, b.z), fmaxf(a.x, b.x)), border);
  const float down = __fadd_rn(__fsub_rn(fminf(a.w, b.w), fmaxf(a.y, b.y)), border);
  const float shared = __fmul_rn(fmaxf(across, 0.0f), fmaxf(down, 0.0f));
  const float all = __fsub_rn(__fadd_rn(area_a, area_b), shared);
  if (!(shared > 0.0f && area_a > 0.0f && area_b > 0.0f && all > 0.0f)) return false;
  const float product = limit * all;
  const float unsure = fabsf(product) * kSurely;
  if (shared > product + unsure) return true;
  if (shared < product - unsure) return false;
  return __fdiv_rn(shared, all) > limit;
}

// A block compares 64 boxes of the window with 256 boxes from their own tile on: four threads side
// by side have one row and a tile each, and write the 32 bytes of one sector. The 256 boxes and
// their areas are in shared memory (5.2 KB), a tile apart by one more so that the four read
// different banks. In its own tile, a box has the bits of those *before* it, which is what deciding
// a tile needs. Rows of boxes that are gone are left out. Bound: arithmetic, some 16 instructions
// for each pair.
__global__ void __launch_bounds__(kOverlapThreads)
    find_overlaps(NonMaxSuppression how, Places places, int start, int row_tiles,
                  int column_groups) {
  __shared__ float4 boxes[kTilesAtOnce * (kTile + 1)];
  __shared__ float areas[kTilesAtOnce * (kTile + 1)];
  // There are no more blocks than 31 bits count, and 64 of them are slow to divide.
  const int group = static_cast<int>(blockIdx.x) % column_groups;
  const int block = static_cast<int>(blockIdx.x) / column_groups;
  const int row_tile = start / kTile + block % row_tiles;
  const std::int64_t segment = block / row_tiles;
  const int count = places.candidates[segment];
  const int first_tile = row_tile / kTilesAtOnce * kTilesAtOnce + group * kTilesAtOnce;
  if (row_tile * kTile >= count || first_tile * kTile >= count) return;
  if (start > 0 && places.taken[segment] >= how.most) return;

  const float4* all = places.boxes + segment * how.boxes;
  const int thread = threadIdx.x;
  const int loaded = first_tile * kTile + thread;
  const int slot = thread / kTile * (kTile + 1) + thread % kTile;
  if (loaded < count) {
    boxes[slot] = all[loaded];
    areas[slot] = area_of(boxes[slot], how.border);
  }
  __syncthreads();
  const int row = row_tile * kTile + thread / kTilesAtOnce;
  const int part = thread % kTilesAtOnce;
  const int tile = first_tile + part;
  if (row >= count || tile < row_tile || tile * kTile >= count) return;
  const Bits gone = start > 0 ? places.gone[segment * places.words + row_tile] : 0;
  if ((gone >> (row % kTile) & 1) != 0) return;
  const float4 own = all[row];
  const float area = area_of(own, how.border);
  const int end = tile == row_tile ? row % kTile : min(kTile, count - tile * kTile);
  const float4* others = boxes + part * (kTile + 1);
  const float* other_areas = areas + part * (kTile + 1);
  Bits bits = 0;
  for (int i = 0; i < end; ++i) {
    const bool too_much = overlap(own, area, others[i], other_areas[i], how.border, how.overlap);
    bits |= static_cast<Bits>(too_much) << i;
  }
  places.overlaps[(segment * places.window + row - start) * places.words + tile] = bits;
}

}  // namespace farm
