// Scans along the last axis: neighbours on the axis are neighbours in memory.
//
// A warp reads 128 neighbours at once, four to a lane, and joins lanes by shuffles. Rows begin
// where they begin, so each is read from the last multiple of four elements before it: all loads
// and stores but the first and the last of a row are whole packs (16 bytes of float32), coalesced.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "lookback.cuh"
#include "order.cuh"
#include "pack.cuh"

namespace farm::running_extremum {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;
constexpr int kPack = 4;                            // elements of a lane in one load
constexpr int kChunk = 32 * kPack;                  // elements of a warp in one load
constexpr int kChunks = 4;                          // loads of a warp that are under way at once
constexpr int kRowTile = kWarps * kChunks * kChunk;  // 4,096 elements of a block
constexpr unsigned kAllLanes = 0xFFFFFFFFu;

// One row as it lies in memory. Positions count from an aligned address up to three elements
// before.
template <typename T>
struct Row {
  T const* input;
  T* values;
  std::int32_t* places;
  int shift;  // the position of the first element
  int end;    // the position after the last one

  __device__ Row(T const* all_input, T* all_values, std::int32_t* all_places, std::int64_t row,
                 int length)
      : shift(static_cast<int>(static_cast<unsigned>(row) * static_cast<unsigned>(length) %
                               kPack)),
        end(length + shift) {
    std::int64_t const aligned = row * length - shift;
    input = all_input + aligned;
    values = all_values + aligned;
    places = all_places + aligned;
  }

  __device__ __forceinline__ void load_at(int position, Wide<T> (&items)[kPack]) const {
    load(input + position, shift - position, end - position, items);
  }

  // The item as a candidate; in front of the row there is none.
  __device__ __forceinline__ Best<Wide<T>> best(Wide<T> item, int position) const {
    return {item, position < shift ? kNowhere : position - shift};
  }

  // Stores what is best up to each item, given what is best before the first.
  template <typename Order>
  __device__ __forceinline__ void store_at(int position, Wide<T> const (&items)[kPack],
                                           Best<Wide<T>> before) const {
    Best<Wide<T>> bests[kPack];
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      before = joined<Order>(before, best(items[k], position + k));
      bests[k] = before;
    }
    store(values + position, places + position, shift - position, end - position, bests);
  }
};

// Joins neighbouring lanes, `width` of them (a power of two): returns the best of the lanes before
// this one and sets `total` to the best of all.
template <typename Order, typename S>
__device__ __forceinline__ Best<S> before_lane(Best<S> own, int width, Best<S>& total) {
  int const lane = static_cast<int>(threadIdx.x) & (width - 1);
  for (int distance = 1; distance < width; distance *= 2) {
    Best<S> const earlier = {__shfl_up_sync(kAllLanes, own.value, distance, width),
                             __shfl_up_sync(kAllLanes, own.place, distance, width)};
    if (lane >= distance) {
      own = joined<Order>(earlier, own);
    }
  }
  total = {__shfl_sync(kAllLanes, own.value, width - 1, width),
           __shfl_sync(kAllLanes, own.place, width - 1, width)};
  Best<S> const before = {__shfl_up_sync(kAllLanes, own.value, 1, width),
                          __shfl_up_sync(kAllLanes, own.place, 1, width)};
  return lane == 0 ? nothing<S>() : before;
}

template <typename Order, typename T>
__device__ __forceinline__ Best<Wide<T>> best_of_pack(Row<T> const& row, int position,
                                                         Wide<T> const (&items)[kPack]) {
  Best<Wide<T>> best = row.best(items[0], position);
#pragma unroll
  for (int k = 1; k < kPack; ++k) {
    best = joined<Order>(best, row.best(items[k], position + k));
  }
  return best;
}

// Short rows: `width` lanes to a row, which walk the positions up to `reach` together; no shared
// memory.
template <typename Order, typename T>
__global__ void __launch_bounds__(kThreads)
    scan_short_rows(T const* __restrict__ input, T* __restrict__ values,
                    std::int32_t* __restrict__ places, std::int64_t rows, int length, int reach,
                    int width) {
  using S = Wide<T>;
  int const lane = static_cast<int>(threadIdx.x) & (width - 1);
  std::int64_t const mine =
      (static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x) / width;
  // Lanes without a row walk along on none of it: shuffles want the whole warp.
  bool const any = mine < rows;
  Row<T> row(input, values, places, any ? mine : 0, length);
  row.end = any ? row.end : 0;
  Best<S> before = nothing<S>();
#pragma unroll 4
  for (int start = 0; start < reach; start += width * kPack) {
    int const position = start + lane * kPack;
    S items[kPack];
    row.load_at(position, items);
    Best<S> total;
    Best<S> const own = best_of_pack<Order>(row, position, items);
    Best<S> const lanes = before_lane<Order>(own, width, total);
    row.template store_at<Order>(position, items, extended<Order>(before, lanes));
    before = joined<Order>(before, total);
  }
}

// What a block keeps of one tile: in registers 16 items of each thread, as its warp read them.
template <typename Order, typename T>
struct RowTile {
  using S = Wide<T>;
  S items[kChunks][kPack];
  Best<S> before[kChunks];  // of each pack, within the warp

  static __device__ __forceinline__ int position(int tile, int chunk) {
    int const warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    return tile * kRowTile + (warp * kChunks + chunk) * kChunk + lane * kPack;
  }

  // Reads the tile; returns the best of this warp's part.
  __device__ __forceinline__ Best<S> read(Row<T> const& row, int tile) {
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      row.load_at(position(tile, chunk), items[chunk]);
    }
    Best<S> carried = nothing<S>();
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      Best<S> const own = best_of_pack<Order>(row, position(tile, chunk), items[chunk]);
      Best<S> total;
      Best<S> const lanes = before_lane<Order>(own, 32, total);
      before[chunk] = extended<Order>(carried, lanes);
      carried = joined<Order>(carried, total);
    }
    return carried;
  }

  __device__ __forceinline__ void write(Row<T> const& row, int tile, Best<S> before_warp) const {
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      row.template store_at<Order>(position(tile, chunk), items[chunk],
                                   extended<Order>(before_warp, before[chunk]));
    }
  }
};

// Tells all threads the best of each warp; returns that of the warps before this one and sets
// `total` to that of the block. Eight bytes of shared memory for each warp.
template <typename Order, typename S>
__device__ __forceinline__ Best<S> before_warp(Best<S> own, Best<S>& total) {
  __shared__ Best<S> of_warps[kWarps];
  int const warp = static_cast<int>(threadIdx.x) / 32;
  if (threadIdx.x % 32 == 0) {
    of_warps[warp] = own;
  }
  __syncthreads();
  Best<S> before = nothing<S>();
  total = nothing<S>();
#pragma unroll
  for (int other = 0; other < kWarps; ++other) {
    if (other == warp) {
      before = total;
    }
    total = joined<Order>(total, of_warps[other]);
  }
  __syncthreads();
  return before;
}

// Many rows: a block walks a row, tile by tile.
template <typename Order, typename T>
__global__ void __launch_bounds__(kThreads)
    scan_rows(T const* __restrict__ input, T* __restrict__ values,
              std::int32_t* __restrict__ places, std::int64_t rows, int length, int tiles) {
  using S = Wide<T>;
  for (std::int64_t mine = blockIdx.x; mine < rows; mine += gridDim.x) {
    Row<T> const row(input, values, places, mine, length);
    Best<S> carried = nothing<S>();
    for (int tile = 0; tile < tiles; ++tile) {
      RowTile<Order, T> read;
      Best<S> total;
      Best<S> const before = before_warp<Order>(read.read(row, tile), total);
      read.write(row, tile, extended<Order>(carried, before));
      carried = joined<Order>(carried, total);
    }
  }
}

// Few long rows: a block takes a tile and asks the tiles before it (see lookback.cuh). Tickets go
// round the rows, so that the tiles before one have begun long ago.
template <typename Order, typename T>
__global__ void __launch_bounds__(kThreads)
    scan_long_rows(T const* __restrict__ input, T* __restrict__ values,
                   std::int32_t* __restrict__ places, int rows, int length, int tiles,
                   unsigned* tickets, Word* words) {
  using S = Wide<T>;
  __shared__ unsigned shared_ticket;
  __shared__ Best<S> shared_before;
  if (threadIdx.x == 0) {
    shared_ticket = atomicAdd(tickets, 1u);
  }
  __syncthreads();
  int const tile = static_cast<int>(shared_ticket / static_cast<unsigned>(rows));
  int const mine = static_cast<int>(shared_ticket % static_cast<unsigned>(rows));
  Row<T> const row(input, values, places, mine, length);
  Word* const of_row = words + static_cast<std::int64_t>(mine) * tiles;

  RowTile<Order, T> read;
  Best<S> total;
  Best<S> const warps = before_warp<Order>(read.read(row, tile), total);
  if (threadIdx.x < 32) {
    Best<S> before = nothing<S>();
    if (tile > 0) {
      if (threadIdx.x == 0) {
        publish_alone(of_row + tile, total, tile * kRowTile - row.shift);
      }
      before = best_before_by_warp<Order, S>(of_row, tile, kRowTile, row.shift);
    }
    if (threadIdx.x == 0) {
      publish(of_row + tile, word_of(joined<Order>(before, total), kAllBefore));
      shared_before = before;
    }
  }
  __syncthreads();
  read.write(row, tile, extended<Order>(shared_before, warps));
}

}  // namespace farm::running_extremum
