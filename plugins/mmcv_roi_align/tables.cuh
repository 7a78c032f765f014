// The taps of rois whose number is known, found once for all channels.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "rois.cuh"
#include "samples.cuh"

namespace farm {

constexpr int kWarp = 32;
// The place of a tap outside: below zero with the place along the other axis added, too.
constexpr int kFarOutside = -(1 << 30);

struct alignas(16) TapPair {
  Tap first;
  Tap second;
};

// In how many turns a warp walks the columns of bins, with `taps` lanes for each.
__host__ __device__ inline int turns_of(const RoiAlign& how, int taps) {
  const int bins = kWarp / taps;
  return (how.bin_columns + bins - 1) / bins;
}

// Taps of one roi: of columns as lanes have them, a warp for each turn; then of rows.
__host__ __device__ inline std::int64_t table_taps(const RoiAlign& how, int taps) {
  return static_cast<std::int64_t>(turns_of(how, taps)) * kWarp +
         static_cast<std::int64_t>(how.bin_rows) * taps;
}

// One thread for each tap. Places of rows are those of their first element. Bound: a launch.
template <typename T>
__global__ void fill_tables(RoiAlign how, int taps, const T* __restrict__ rois,
                            Tap* __restrict__ tables, std::int64_t count) {
  const std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (i >= count) return;
  const std::int64_t each = table_taps(how, taps);
  const T* roi = rois + i / each * 5;
  const int columns = turns_of(how, taps) * kWarp;
  const int place = static_cast<int>(i % each);
  Tap tap = kNoTap;
  if (place >= columns) {
    const int row = place - columns;
    tap = tap_of(row_axis(how, roi), row / taps, row % taps);
    if (tap.place >= 0) tap.place *= how.width;
  } else if (place / taps < how.bin_columns) {
    // Turns are whole numbers of bins, so that lanes and taps count alike.
    tap = tap_of(column_axis(how, roi), place / taps, place % taps);
  }
  if (tap.place < 0) tap.place = kFarOutside;
  tables[i] = tap;
}

}  // namespace farm
