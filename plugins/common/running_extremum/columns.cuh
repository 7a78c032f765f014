// Scans along another axis than the last: neighbours in memory are columns, which know nothing of
// each other. A lane has one column, or two or four where they lie together, so warps read whole
// lines.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "lookback.cuh"
#include "order.cuh"
#include "pack.cuh"
#include "rows.cuh"

namespace farm::running_extremum {

constexpr int kRowsAtOnce = 16;  // loads of a thread that are under way at once, many columns
constexpr int kSegment = 16;     // the same, few columns: what a thread has of the axis

// A tensor seen as [outer, length, inner], scanned along the middle.
struct Columns {
  std::int64_t outer;
  int length;
  std::int64_t inner;
};

// Walks kRowsAtOnce rows of a column, or what is left of them; all are loaded before one is
// compared.
template <typename Order, typename T, int kWide, bool kAllOfThem>
__device__ __forceinline__ void walk_some(T const* input, T* values, std::int32_t* places,
                                          std::int64_t inner, int row, int rows,
                                          Best<Wide<T>> (&best)[kWide]) {
  using S = Wide<T>;
  S items[kRowsAtOnce][kWide];
#pragma unroll
  for (int r = 0; r < kRowsAtOnce; ++r) {
    load(input + r * inner, 0, kAllOfThem || r < rows ? kWide : 0, items[r]);
  }
#pragma unroll
  for (int r = 0; r < kRowsAtOnce; ++r) {
#pragma unroll
    for (int k = 0; k < kWide; ++k) {
      best[k] = joined<Order>(best[k], Best<S>{items[r][k], row + r});
    }
    store(values + r * inner, places + r * inner, 0, kAllOfThem || r < rows ? kWide : 0, best);
  }
}

// Enough columns to fill a card: a thread walks its own.
template <typename Order, typename T, int kWide>
__global__ void __launch_bounds__(kThreads)
    walk_columns(T const* __restrict__ input, T* __restrict__ values,
                 std::int32_t* __restrict__ places, Columns shape) {
  std::int64_t const packs = shape.outer * shape.inner / kWide;
  std::int64_t const step = static_cast<std::int64_t>(gridDim.x) * kThreads;
  for (std::int64_t pack = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
       pack < packs; pack += step) {
    std::int64_t const column = pack * kWide;
    std::int64_t at = column / shape.inner * shape.length * shape.inner + column % shape.inner;
    Best<Wide<T>> best[kWide];
#pragma unroll
    for (int k = 0; k < kWide; ++k) {
      best[k] = nothing<Wide<T>>();
    }
    int row = 0;
    for (; row + kRowsAtOnce <= shape.length; row += kRowsAtOnce) {
      walk_some<Order, T, kWide, true>(input + at, values + at, places + at, shape.inner, row,
                                       kRowsAtOnce, best);
      at += kRowsAtOnce * shape.inner;
    }
    walk_some<Order, T, kWide, false>(input + at, values + at, places + at, shape.inner, row,
                                      shape.length - row, best);
  }
}

// How a block is laid over few columns: `lanes` threads side by side, as many as there are columns
// up to a warp, and the others below them along the axis, kSegment rows each.
struct Tiling {
  int lanes;
  int strips;  // blocks side by side in one outer index
  int tiles;   // blocks along the axis

  __host__ __device__ int rows() const { return kThreads / lanes * kSegment; }
};

// Few columns: a block takes a tile of the axis, in registers; its threads join their segments in
// shared memory (at most 256 x kWide bests, 4 KiB), the first of them ask the tiles before.
template <typename Order, typename T, int kWide>
__global__ void __launch_bounds__(kThreads)
    scan_columns(T const* __restrict__ input, T* __restrict__ values,
                 std::int32_t* __restrict__ places, Columns shape, Tiling tiling,
                 unsigned* tickets, Word* words) {
  using S = Wide<T>;
  __shared__ unsigned shared_ticket;
  __shared__ Best<S> of_segments[kThreads * kWide];
  __shared__ Best<S> of_tiles[32 * kWide];
  if (threadIdx.x == 0) {
    shared_ticket = tiling.tiles > 1 ? atomicAdd(tickets, 1u) : blockIdx.x;
  }
  __syncthreads();
  auto const strips = static_cast<std::int64_t>(tiling.strips) * shape.outer;
  auto const tile = static_cast<int>(shared_ticket / strips);
  std::int64_t const strip = shared_ticket % strips;
  int const thread = static_cast<int>(threadIdx.x);
  int const wide = tiling.lanes * kWide;
  int const lane = thread % tiling.lanes, segment = thread / tiling.lanes;
  int const first_row = tile * tiling.rows() + segment * kSegment;
  std::int64_t const column = strip % tiling.strips * wide + lane * kWide;
  std::int64_t const offset =
      (strip / tiling.strips * shape.length + first_row) * shape.inner + column;
  bool const inside = column < shape.inner;

  S items[kSegment][kWide];
#pragma unroll
  for (int r = 0; r < kSegment; ++r) {
    bool const there = inside && first_row + r < shape.length;
    load(input + offset + r * shape.inner, 0, there ? kWide : 0, items[r]);
  }
#pragma unroll
  for (int k = 0; k < kWide; ++k) {
    Best<S> own = {items[0][k], first_row};
#pragma unroll
    for (int r = 1; r < kSegment; ++r) {
      own = joined<Order>(own, Best<S>{items[r][k], first_row + r});
    }
    of_segments[segment * wide + lane * kWide + k] = own;
  }
  __syncthreads();
  if (thread < wide) {
    Best<S> total = nothing<S>();
    for (int other = 0; other < kThreads / tiling.lanes; ++other) {
      Best<S> const own = of_segments[other * wide + thread];
      of_segments[other * wide + thread] = total;
      total = joined<Order>(total, own);
    }
    Best<S> before = nothing<S>();
    if (tiling.tiles > 1) {
      Word* const of_column = words + strip * tiling.tiles * wide + thread;
      if (tile > 0) {
        publish_alone(of_column + tile * wide, total, tile * tiling.rows());
        before = best_before<Order, S>(of_column, wide, tile, tiling.rows());
      }
      publish(of_column + static_cast<std::int64_t>(tile) * wide,
              word_of(joined<Order>(before, total), kAllBefore));
    }
    of_tiles[thread] = before;
  }
  __syncthreads();
  Best<S> best[kWide];
#pragma unroll
  for (int k = 0; k < kWide; ++k) {
    Best<S> const in_tile = of_segments[segment * wide + lane * kWide + k];
    best[k] = extended<Order>(of_tiles[lane * kWide + k], in_tile);
  }
#pragma unroll
  for (int r = 0; r < kSegment; ++r) {
#pragma unroll
    for (int k = 0; k < kWide; ++k) {
      best[k] = joined<Order>(best[k], Best<S>{items[r][k], first_row + r});
    }
    bool const there = inside && first_row + r < shape.length;
    std::int64_t const here = offset + r * shape.inner;
    store(values + here, places + here, 0, there ? kWide : 0, best);
  }
}

}  // namespace farm::running_extremum
