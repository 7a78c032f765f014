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
constexpr int kColumnBlocks = 4;  // on a multiprocessor, few columns: of 64 registers a thread

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

// How a block is laid over few columns: `lanes` threads side by side (a power of two), as many as
// there are columns up to a warp, and the others below them along the axis, kSegment rows each.
struct Tiling {
  int lanes;
  int strips;  // blocks side by side in one outer index
  int tiles;   // blocks along the axis

  __host__ __device__ int rows() const { return kThreads / lanes * kSegment; }
};

// What a thread has of a tile: kSegment rows of kWide columns, as they come.
template <typename Order, typename T, int kWide>
struct Segment {
  using S = Wide<T>;
  Pack<T, kWide> items[kSegment];

  // Rows from `rows` on are not there.
  __device__ __forceinline__ void read(T const* input, std::int64_t inner, int rows) {
#pragma unroll
    for (int r = 0; r < kSegment; ++r) {
      items[r] = load_pack<T, kWide>(input + r * inner, 0, r < rows ? kWide : 0);
    }
  }

  __device__ __forceinline__ Best<S> best_of(int column, int first_row) const {
    Best<S> best = {wide(items[0].item[column]), first_row};
#pragma unroll
    for (int r = 1; r < kSegment; ++r) {
      best = joined<Order>(best, Best<S>{wide(items[r].item[column]), first_row + r});
    }
    return best;
  }

  __device__ __forceinline__ void write(T* values, std::int32_t* places, std::int64_t inner,
                                        int rows, int first_row, Best<S> (&best)[kWide]) const {
#pragma unroll
    for (int r = 0; r < kSegment; ++r) {
#pragma unroll
      for (int k = 0; k < kWide; ++k) {
        best[k] = joined<Order>(best[k], Best<S>{wide(items[r].item[k]), first_row + r});
      }
      store(values + r * inner, places + r * inner, 0, r < rows ? kWide : 0, best);
    }
  }
};

// Replaces the bests of the segments of a column, `wide` apart, by what is best before each;
// returns the best of all.
template <typename Order, typename S>
__device__ __forceinline__ Best<S> before_segments(Best<S>* of_segments, int segments, int wide) {
  Best<S> total = nothing<S>();
#pragma unroll 4
  for (int segment = 0; segment < segments; ++segment) {
    Best<S> const own = of_segments[segment * wide];
    of_segments[segment * wide] = total;
    total = joined<Order>(total, own);
  }
  return total;
}

// Few columns: a block takes a tile of the axis, in registers; its threads join their segments in
// shared memory (at most 256 x kWide bests, 4 KiB), the first of them ask the tiles before. There
// are fewer than 2^31 blocks, so their numbers are taken apart in 32 bits.
template <typename Order, typename T, int kWide>
__global__ void __launch_bounds__(kThreads, kColumnBlocks)
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
  auto const strips = static_cast<unsigned>(tiling.strips);
  unsigned const all_strips = strips * static_cast<unsigned>(shape.outer);
  unsigned const tile = shared_ticket / all_strips, strip = shared_ticket % all_strips;
  unsigned const outer = strip / strips;
  int const thread = static_cast<int>(threadIdx.x), wide = tiling.lanes * kWide;
  int const lane = thread & (tiling.lanes - 1), segment = thread / tiling.lanes;
  int const first_row = static_cast<int>(tile) * tiling.rows() + segment * kSegment;
  std::int64_t const column = static_cast<std::int64_t>(strip % strips) * wide + lane * kWide;
  std::int64_t const offset = (outer * static_cast<std::int64_t>(shape.length) + first_row) *
                                  shape.inner + column;
  int const rows = column < shape.inner ? shape.length - first_row : 0;

  Segment<Order, T, kWide> read;
  read.read(input + offset, shape.inner, rows);
#pragma unroll
  for (int k = 0; k < kWide; ++k) {
    of_segments[segment * wide + lane * kWide + k] = read.best_of(k, first_row);
  }
  __syncthreads();
  if (thread < wide) {
    Best<S> const total =
        before_segments<Order>(of_segments + thread, kThreads / tiling.lanes, wide);
    Best<S> before = nothing<S>();
    if (tiling.tiles > 1) {
      auto const tile_words = static_cast<std::int64_t>(tile) * wide;
      Word* const of_column =
          words + static_cast<std::int64_t>(strip) * tiling.tiles * wide + thread;
      if (tile > 0) {
        int const begin = static_cast<int>(tile) * tiling.rows();
        publish_alone(of_column + tile_words, total, begin);
        before = best_before<Order, S>(of_column, wide, static_cast<int>(tile), tiling.rows());
      }
      publish(of_column + tile_words, word_of(joined<Order>(before, total), kAllBefore));
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
  read.write(values + offset, places + offset, shape.inner, rows, first_row, best);
}

}  // namespace farm::running_extremum
