// One roi in the planes of a block, by one warp.
#pragma once

#include <cstdint>

#include "kernel.hpp"
#include "planes.cuh"
#include "tables.cuh"

namespace farm {

constexpr int kTurnBins = kWarp / kQuad;     // columns of bins that a warp walks at a time
constexpr int kWindowQuads = kWarp / kQuad;  // of rows, in shared memory at a time

// Taps of both axes of one roi.
struct RoiTaps {
  const Tap* rows;
  const Tap* columns;
  const int* row_starts;
  const int* column_starts;
};

// Where the bins of one roi go, in each of the planes.
template <typename T>
struct Bins {
  T* first;
  std::int64_t apart;  // of planes
  int present;         // planes

  __device__ __forceinline__ void put(std::int64_t bin, const float (&sums)[kPlanes<T>]) const {
#pragma unroll
    for (int p = 0; p < kPlanes<T>; ++p) {
      if (p < present) narrow(first[p * apart + bin], sums[p]);
    }
  }
};

// Eight quads of rows from `quad` on, to where all lanes read them together; kNoTap behind the end.
template <Source kSource, typename T>
__device__ __forceinline__ void fill_window(const Planes<T>& planes, const Tap* rows, int quad,
                                            int end, Tap* window) {
  const int lane = threadIdx.x % kWarp;
  Tap tap = kNoTap;
  if (quad + lane / kQuad < end) tap = rows[quad * kQuad + lane];
  if (kSource != Source::kGlobal) tap.place = tap.place < 0 ? planes.zeros : tap.place * kWordBytes;
  __syncwarp();
  window[lane] = tap;
  __syncwarp();
}

// Adds four rows of one column.
template <Source kSource, typename T>
__device__ __forceinline__ void add_quad(const Planes<T>& planes, const Tap* quad, int column,
                                         Values<T>& sum) {
  const auto* pairs = reinterpret_cast<const TapPair*>(quad);
#pragma unroll
  for (int half = 0; half < 2; ++half) {
    const TapPair pair = pairs[half];
    sum.add(pair.first.share, read<kSource>(planes, pair.first.place, column));
    sum.add(pair.second.share, read<kSource>(planes, pair.second.place, column));
  }
}

// Lanes without a column have read what is none of theirs, maybe an infinity.
__device__ __forceinline__ float times(float share, float sum) {
  return share != 0.0f ? share * sum : 0.0f;
}

// Of each four values the four lanes of a bin add up one: lane k has the k-th sum.
__device__ __forceinline__ float sum_of_four(const float (&values)[kQuad]) {
  const bool odd = (threadIdx.x & 1) != 0;
  const bool upper = (threadIdx.x & 2) != 0;
  const float sent_low = odd ? values[0] : values[1];
  const float sent_high = odd ? values[2] : values[3];
  const float low = (odd ? values[1] : values[0]) + __shfl_xor_sync(kAllLanes, sent_low, 1);
  const float high = (odd ? values[3] : values[2]) + __shfl_xor_sync(kAllLanes, sent_high, 1);
  const float sent = upper ? low : high;
  return (upper ? high : low) + __shfl_xor_sync(kAllLanes, sent, 2);
}

// `kRows` rows of bins, each of one quad; all their elements are under way at a time.
template <Source kSource, int kRows, typename T>
__device__ __forceinline__ void walk_rows(const Planes<T>& planes, const Tap* window, Tap own,
                                          const Bins<T>& bins, std::int64_t bin, bool there) {
  float values[kPlanes<T>][kQuad] = {};
#pragma unroll
  for (int row = 0; row < kRows; ++row) {
    Values<T> sum;
    add_quad<kSource>(planes, window + row * kQuad, own.place, sum);
#pragma unroll
    for (int p = 0; p < kPlanes<T>; ++p) values[p][row] = times(own.share, sum.of[p]);
  }
  float sums[kPlanes<T>];
#pragma unroll
  for (int p = 0; p < kPlanes<T>; ++p) sums[p] = sum_of_four(values[p]);
  if (there && static_cast<int>(threadIdx.x) % kQuad < kRows) bins.put(bin, sums);
}

// With one quad of taps along each axis of a bin: a lane has one column of one bin, four lanes have
// a bin, and 7 bins are 28 lanes side by side.
template <Source kSource, typename T>
__device__ __forceinline__ void walk_known(const RoiAlign& how, const Planes<T>& planes,
                                           const RoiTaps& taps, Tap* window, const Bins<T>& bins) {
  const int lane = threadIdx.x % kWarp;
  for (int turn = 0; turn < how.bin_columns; turn += kTurnBins) {
    const int column = turn + lane / kQuad;
    const bool there = column < how.bin_columns;
    Tap own = kNoTap;
    if (there) own = taps.columns[turn * kQuad + lane];
    own.place = max(own.place, 0);
    for (int first = 0; first < how.bin_rows; first += kWindowQuads) {
      fill_window<kSource>(planes, taps.rows, first, how.bin_rows, window);
#pragma unroll 1
      for (int row = first; row < min(first + kWindowQuads, how.bin_rows); row += kQuad) {
        const std::int64_t bin =
            static_cast<std::int64_t>(row + lane % kQuad) * how.bin_columns + column;
        const Tap* here = window + (row - first) * kQuad;
        switch (how.bin_rows - row) {
          case 1:
            walk_rows<kSource, 1>(planes, here, own, bins, bin, there);
            break;
          case 2:
            walk_rows<kSource, 2>(planes, here, own, bins, bin, there);
            break;
          case 3:
            walk_rows<kSource, 3>(planes, here, own, bins, bin, there);
            break;
          default:
            walk_rows<kSource, 4>(planes, here, own, bins, bin, there);
        }
      }
    }
  }
}

// Columns of a lane that it walks together.
constexpr int kSlots = 2;

// Taps of rows in shared memory: eight quads, which may belong to several bins.
struct Window {
  Tap* taps;
  int first;  // quad
  int end;    // of all quads of the roi
};

// Every fourth column of a bin, from quad `begin` on.
__device__ __forceinline__ void take_columns(const RoiTaps& taps, int begin, int end,
                                             Tap (&own)[kSlots]) {
#pragma unroll
  for (int k = 0; k < kSlots; ++k) {
    own[k] = kNoTap;
    if (begin + k < end) own[k] = taps.columns[(begin + k) * kQuad + threadIdx.x % kQuad];
    own[k].place = max(own[k].place, 0);
  }
}

// Adds what a lane has of one bin, whose quads of rows are `begin` to `end`.
template <Source kSource, typename T>
__device__ __forceinline__ void add_bin(const Planes<T>& planes, const RoiTaps& taps, int begin,
                                        int end, const Tap (&own)[kSlots], Window& window,
                                        Values<T>& sum) {
  Values<T> sums[kSlots];
#pragma unroll 1
  for (int quad = begin; quad < end; ++quad) {
    if (static_cast<unsigned>(quad - window.first) >= kWindowQuads) {
      fill_window<kSource>(planes, taps.rows, quad, window.end, window.taps);
      window.first = quad;
    }
#pragma unroll
    for (int k = 0; k < kSlots; ++k) {
      add_quad<kSource>(planes, window.taps + (quad - window.first) * kQuad, own[k].place, sums[k]);
    }
  }
#pragma unroll
  for (int k = 0; k < kSlots; ++k) {
#pragma unroll
    for (int p = 0; p < kPlanes<T>; ++p) sum.of[p] += times(own[k].share, sums[k].of[p]);
  }
}

// With any number of taps.
template <Source kSource, typename T>
__device__ __forceinline__ void walk_any(const RoiAlign& how, const Planes<T>& planes,
                                         const RoiTaps& taps, Tap* space, const Bins<T>& bins) {
  const int lane = threadIdx.x % kWarp;
  Window window = {space, -kWindowQuads, taps.row_starts[how.bin_rows]};
#pragma unroll 1
  for (int turn = 0; turn < how.bin_columns; turn += kTurnBins) {
    const int column = turn + lane / kQuad;
    const bool there = column < how.bin_columns;
    const int begin = there ? taps.column_starts[column] : 0;
    const int end = there ? taps.column_starts[column + 1] : 0;
    int passes = (end - begin + kSlots - 1) / kSlots;
    for (int apart = kQuad; apart < kWarp; apart *= 2) {
      passes = max(passes, __shfl_xor_sync(kAllLanes, passes, apart));
    }
    Tap own[kSlots];
    take_columns(taps, begin, end, own);
    int row_end = 0;
#pragma unroll 1
    for (int row = 0; row < how.bin_rows; ++row) {
      const int row_begin = row_end;
      row_end = taps.row_starts[row + 1];
      Values<T> sum;
#pragma unroll 1
      for (int pass = 0; pass < passes; ++pass) {
        if (passes > 1) take_columns(taps, begin + pass * kSlots, end, own);
        add_bin<kSource>(planes, taps, row_begin, row_end, own, window, sum);
      }
      float sums[kPlanes<T>];
#pragma unroll
      for (int p = 0; p < kPlanes<T>; ++p) {
        sums[p] = sum.of[p] + __shfl_xor_sync(kAllLanes, sum.of[p], 1);
        sums[p] += __shfl_xor_sync(kAllLanes, sums[p], 2);
      }
      const std::int64_t bin = static_cast<std::int64_t>(row) * how.bin_columns + column;
      if (there && lane % kQuad == 0) bins.put(bin, sums);
    }
  }
}

}  // namespace farm
