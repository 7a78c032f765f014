// Scans of halves along the last axis in PyTorch's order. As in rows.cuh, but that elements are
// keys: a third of the instructions, which is what bounds a scan of two bytes in and six out.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

#include "../launch.cuh"
#include "lookback.cuh"
#include "pack.cuh"
#include "ranks.cuh"
#include "rows.cuh"

namespace farm::running_extremum {

// Joins the lanes of a warp: the best of those before this one. Lanes that nobody is before get
// their own from a shuffle, and the greatest of a key and itself is itself.
__device__ __forceinline__ Key before_lane(Key own, Key& total) {
#pragma unroll
  for (int distance = 1; distance < 32; distance *= 2) {
    own = max(own, __shfl_up_sync(kAllLanes, own, distance));
  }
  total = __shfl_sync(kAllLanes, own, 31);
  Key const before = __shfl_up_sync(kAllLanes, own, 1);
  return threadIdx.x % 32 == 0 ? Key{0} : before;
}

// What a block keeps of one tile: keys of kChunks packs of each thread, each the best up to its
// element within its pack, and what is best before the pack in this warp's part.
template <bool kMaximum, int kChunks>
struct RankedTile {
  static constexpr int kElements = kWarps * kChunks * kChunk;
  static constexpr int kWords = kPack / 2;
  static_assert(kElements + kPack <= kMostKeyed, "a key holds the places of a tile");
  Key keys[kChunks][kPack];
  Key before[kChunks];

  // Counted from the tile's beginning.
  static __device__ __forceinline__ int position(int chunk) {
    int const warp = static_cast<int>(threadIdx.x) / 32, lane = static_cast<int>(threadIdx.x) % 32;
    return (warp * kChunks + chunk) * kChunk + lane * kPack;
  }

  static __device__ __forceinline__ bool whole(Row<__half> const& row, int tile) {
    return tile * kElements >= row.shift && (tile + 1) * kElements <= row.end;
  }

  // Reads the tile; returns the best of this warp's part. A tile that the row covers, as most are,
  // is read and written without a look at where the row begins and ends.
  __device__ __forceinline__ Key read(Row<__half> const& row, int tile) {
    return whole(row, tile) ? read_some<true>(row, tile) : read_some<false>(row, tile);
  }

  // `before_warp` is what is best before this warp's part, in this tile or carried into it.
  __device__ __forceinline__ void write(Row<__half> const& row, int tile, Key before_warp,
                                        Carry const& carry) const {
    if (whole(row, tile)) {
      write_some<true>(row, tile, before_warp, carry);
    } else {
      write_some<false>(row, tile, before_warp, carry);
    }
  }

 private:
  template <bool kWhole>
  __device__ __forceinline__ Key read_some(Row<__half> const& row, int tile) {
    std::uint32_t words[kChunks][kWords];
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      int const at = tile * kElements + position(chunk);
      if constexpr (kWhole) {
        uint2 const both = *reinterpret_cast<uint2 const*>(row.input + at);
        words[chunk][0] = both.x;
        words[chunk][1] = both.y;
      } else {
        auto const pack = load_pack<__half, kPack>(row.input + at, row.shift - at, row.end - at);
        memcpy(words[chunk], &pack, sizeof pack);
      }
    }
    Key carried = 0;
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      int const begin = kWhole ? 0 : row.shift - tile * kElements - position(chunk);
      Key total;
      Key const lanes = before_lane(order(words[chunk], chunk, begin), total);
      before[chunk] = max(carried, lanes);
      carried = max(carried, total);
    }
    return carried;
  }

  // The keys of a pack, each the best so far; what lies before its number `begin` is not of the
  // row. Returns the last.
  __device__ __forceinline__ Key order(std::uint32_t const (&words)[kWords], int chunk, int begin) {
    Key best = 0;
#pragma unroll
    for (int w = 0; w < kWords; ++w) {
      Key two[2];
      keys_of<kMaximum>(words[w], position(chunk) + 2 * w, two);
#pragma unroll
      for (int k = 0; k < 2; ++k) {
        best = max(best, 2 * w + k < begin ? Key{0} : two[k]);
        keys[chunk][2 * w + k] = best;
      }
    }
    return best;
  }

  template <bool kWhole>
  __device__ __forceinline__ void write_some(Row<__half> const& row, int tile, Key before_warp,
                                             Carry const& carry) const {
    int const begin = tile * kElements - row.shift;
#pragma unroll
    for (int chunk = 0; chunk < kChunks; ++chunk) {
      Key const start = max(before_warp, before[chunk]);
      Pack<std::uint32_t, kWords> values;
      Pack<std::int32_t, kPack> places;
#pragma unroll
      for (int w = 0; w < kWords; ++w) {
        Key const first = max(start, keys[chunk][2 * w]);
        Key const second = max(start, keys[chunk][2 * w + 1]);
        values.item[w] = elements_of<kMaximum>(first, second);
        places.item[2 * w] = place_of(first, begin, carry);
        places.item[2 * w + 1] = place_of(second, begin, carry);
      }
      int const at = tile * kElements + position(chunk);
      int const from = kWhole ? 0 : row.shift - at, end = kWhole ? kPack : row.end - at;
      Pack<__half, kPack> halves;
      memcpy(&halves, &values, sizeof halves);
      store_pack(row.values + at, from, end, halves);
      store_pack(row.places + at, from, end, places);
    }
  }
};

// Tells all threads the best of each warp; returns that of the warps before this one and sets
// `total` to that of the block. Four bytes of shared memory for each warp.
__device__ __forceinline__ Key before_warp(Key own, Key& total) {
  __shared__ Key of_warps[kWarps];
  int const warp = static_cast<int>(threadIdx.x) / 32;
  if (threadIdx.x % 32 == 0) {
    of_warps[warp] = own;
  }
  __syncthreads();
  Key before = 0;
  total = 0;
#pragma unroll
  for (int other = 0; other < kWarps; ++other) {
    before = other == warp ? total : before;
    total = max(total, of_warps[other]);
  }
  __syncthreads();
  return before;
}

// Many rows: a block walks a row, tile by tile.
template <bool kMaximum, int kChunks, int kBlocks>
__global__ void __launch_bounds__(kThreads, fitting(kBlocks, kThreads))
    scan_ranked_rows(__half const* __restrict__ input, __half* __restrict__ values,
                     std::int32_t* __restrict__ places, std::int64_t rows, int length, int tiles) {
  using Tile = RankedTile<kMaximum, kChunks>;
  for (std::int64_t mine = blockIdx.x; mine < rows; mine += gridDim.x) {
    Row<__half> const row(input, values, places, mine, length);
    Carry carry = Carry::none();
    for (int tile = 0; tile < tiles; ++tile) {
      Tile read;
      Key total;
      Key const before = before_warp(read.read(row, tile), total);
      read.write(row, tile, max(carry.key, before), carry);
      carry = carried_on(carry, total, tile * Tile::kElements - row.shift);
    }
  }
}

// Few long rows: a block takes a tile and asks the tiles before it, as scan_long_rows.
template <bool kMaximum, int kChunks, int kBlocks>
__global__ void __launch_bounds__(kThreads, fitting(kBlocks, kThreads))
    scan_long_ranked_rows(__half const* __restrict__ input, __half* __restrict__ values,
                          std::int32_t* __restrict__ places, int rows, int length, int tiles,
                          unsigned* tickets, Word* words) {
  using Tile = RankedTile<kMaximum, kChunks>;
  using Order = LastOfEquals<kMaximum>;
  __shared__ unsigned shared_ticket;
  __shared__ Carry shared_carry;
  if (threadIdx.x == 0) {
    shared_ticket = atomicAdd(tickets, 1u);
  }
  __syncthreads();
  int const tile = static_cast<int>(shared_ticket / static_cast<unsigned>(rows));
  int const mine = static_cast<int>(shared_ticket % static_cast<unsigned>(rows));
  Row<__half> const row(input, values, places, mine, length);
  Word* const of_row = words + static_cast<std::int64_t>(mine) * tiles;

  Tile read;
  Key key;
  Key const warps = before_warp(read.read(row, tile), key);
  if (threadIdx.x < 32) {
    std::int32_t const begin = tile * Tile::kElements - row.shift;
    Best<float> const total = best_of_key<kMaximum>(key, begin);
    Best<float> before = nothing<float>();
    if (tile > 0) {
      if (threadIdx.x == 0) {
        publish_alone(of_row + tile, total, begin);
      }
      before = best_before_by_warp<Order, float>(of_row, tile, Tile::kElements, row.shift);
    }
    if (threadIdx.x == 0) {
      publish(of_row + tile, word_of(joined<Order>(before, total), kAllBefore));
      shared_carry = carry_of<kMaximum>(before);
    }
  }
  __syncthreads();
  read.write(row, tile, max(shared_carry.key, warps), shared_carry);
}

}  // namespace farm::running_extremum
