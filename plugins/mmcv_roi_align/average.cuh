// The average of the samples of each bin.
#pragma once

#include <cstdint>

#include "common/pointer.cuh"
#include "rois.cuh"
#include "samples.cuh"
#include "tables.cuh"

namespace farm {

constexpr unsigned kAllLanes = 0xFFFFFFFFu;
constexpr int kMostWarps = 32;

// Sums over the taps of one row of elements, for `kChannels` planes: what this lane has of it.
// A bin of more than 32 taps is walked in several turns, which have to find their taps again.
template <typename T, int kChannels>
__device__ __forceinline__ void add_row(const RoiAlign& how, const T* planes, const int* plane_of,
                                        const Axis& columns, int column, int taps, Tap own, Tap row,
                                        float (&sums)[kChannels]) {
  const std::int64_t plane = static_cast<std::int64_t>(how.height) * how.width;
  const int row_start = row.place * how.width;
  const bool inside = row.place >= 0 && own.place >= 0;
#pragma unroll
  for (int c = 0; c < kChannels; ++c) {
    const float value = inside ? wide(planes[plane_of[c] * plane + row_start + own.place]) : 0.0f;
    sums[c] = fmaf(row.share * own.share, value, sums[c]);
  }
  if (row.place < 0 || column >= how.bin_columns) return;
  for (int index = static_cast<int>(threadIdx.x % kWarp) + kWarp; index < taps; index += kWarp) {
    const Tap other = tap_of(columns, column, index);
    if (other.place < 0) continue;
#pragma unroll
    for (int c = 0; c < kChannels; ++c) {
      const float value = wide(planes[plane_of[c] * plane + row_start + other.place]);
      sums[c] = fmaf(row.share * other.share, value, sums[c]);
    }
  }
}

// What a lane does for a roi: its column of bins, which `lanes` lanes share, and its place among
// them.
struct Share {
  int column;
  int lanes;
  int in_bin;
  float samples;
};

// All lanes of a bin learn its sum, and each keeps one row of bins, so that `lanes` rows are
// written together.
template <typename T, int kChannels>
__device__ __forceinline__ void finish_bin(const RoiAlign& how, const Share& mine, int bin,
                                           int present, float (&sums)[kChannels],
                                           float (&kept)[kChannels], T* output) {
  const int turn = bin & (mine.lanes - 1);
#pragma unroll
  for (int c = 0; c < kChannels; ++c) {
    for (int step = mine.lanes / 2; step > 0; step /= 2) {
      sums[c] += __shfl_xor_sync(kAllLanes, sums[c], step);
    }
    if (mine.in_bin == turn) kept[c] = sums[c];
  }
  if (turn != mine.lanes - 1 && bin != how.bin_rows - 1) return;
  if (mine.in_bin > turn || mine.column >= how.bin_columns) return;
  const std::int64_t bins = static_cast<std::int64_t>(how.bin_rows) * how.bin_columns;
  const std::int64_t row = bin - turn + mine.in_bin;
#pragma unroll
  for (int c = 0; c < kChannels; ++c) {
    if (c < present) {
      narrow(output[c * bins + row * how.bin_columns + mine.column], kept[c] / mine.samples);
    }
  }
}

// One roi and `kChannels` planes by one warp, whatever the number of samples.
//
// Bilinear weights are products of a row's and a column's, so each lane keeps one tap of one column
// of bins for the whole roi, and a load of the warp reads one row of elements. The taps of rows are
// spread over the lanes, 32 at a time, and handed round by shuffles. No shared memory.
template <typename T, int kChannels>
__device__ void average_any(const RoiAlign& how, const T* planes, const int* plane_of, int present,
                            const T* roi, T* output) {
  const int lane = threadIdx.x % kWarp;
  const Axis columns = column_axis(how, roi);
  const Axis rows = row_axis(how, roi);
  const int column_taps = 2 * columns.walked;
  const int row_taps = 2 * rows.walked;
  Share mine;
  mine.lanes = 1;
  while (mine.lanes < min(column_taps, kWarp)) mine.lanes *= 2;
  mine.in_bin = lane & (mine.lanes - 1);
  mine.samples =
      fmaxf(static_cast<float>(rows.samples) * static_cast<float>(columns.samples), 1.0f);

  for (int first = 0; first < how.bin_columns; first += kWarp / mine.lanes) {
    mine.column = first + lane / mine.lanes;
    const bool has_tap = mine.column < how.bin_columns && mine.in_bin < column_taps;
    const Tap own = has_tap ? tap_of(columns, mine.column, mine.in_bin) : kNoTap;
    Tap row_tap = kNoTap;
    float kept[kChannels] = {};
    int row = 0;  // of all taps of rows
    for (int bin = 0; bin < how.bin_rows; ++bin) {
      float sums[kChannels] = {};
      for (int i = 0; i < row_taps; ++i, ++row) {
        if (row % kWarp == 0) {
          const int later = row + lane;
          const bool is_one = later / row_taps < how.bin_rows;
          row_tap = is_one ? tap_of(rows, later / row_taps, later % row_taps) : kNoTap;
        }
        const Tap now = {__shfl_sync(kAllLanes, row_tap.place, row % kWarp),
                         __shfl_sync(kAllLanes, row_tap.share, row % kWarp)};
        add_row<T, kChannels>(how, planes, plane_of, columns, mine.column, column_taps, own, now,
                              sums);
      }
      finish_bin<T, kChannels>(how, mine, bin, present, sums, kept, output);
    }
  }
}

// The same with `kTaps` taps along each axis of a bin, found before by `fill_tables`: 7 bins of 2
// samples are 28 lanes side by side. The taps of a row of bins are the same for all lanes, 16 or 32
// bytes that they read together; all its rows of elements are under way at a time.
template <typename T, int kChannels, int kTaps>
__device__ void average_known(const RoiAlign& how, const T* planes, const int* plane_of,
                              int present, const Tap* table, T* output) {
  const int lane = threadIdx.x % kWarp;
  const int turns = turns_of(how, kTaps);
  const std::int64_t plane = static_cast<std::int64_t>(how.height) * how.width;
  const TapPair* rows = reinterpret_cast<const TapPair*>(table + turns * kWarp);
  const T* from[kChannels];
#pragma unroll
  for (int c = 0; c < kChannels; ++c) from[c] = as_it_is(planes + plane_of[c] * plane);
  for (int turn = 0; turn < turns; ++turn) {
    const Tap own = table[turn * kWarp + lane];
    const Share mine = {(turn * kWarp + lane) / kTaps, kTaps, lane % kTaps, kTaps * kTaps / 4.0f};
    float kept[kChannels] = {};
#pragma unroll 2
    for (int bin = 0; bin < how.bin_rows; ++bin) {
      float sums[kChannels] = {};
#pragma unroll
      for (int i = 0; i < kTaps; ++i) {
        const TapPair pair = rows[bin * (kTaps / 2) + i / 2];
        const Tap row = i % 2 == 0 ? pair.first : pair.second;
        const int at = row.place + own.place;
#pragma unroll
        for (int c = 0; c < kChannels; ++c) {
          const float value = at >= 0 ? wide(__ldg(from[c] + static_cast<unsigned>(at))) : 0.0f;
          sums[c] = fmaf(row.share, value, sums[c]);
        }
      }
#pragma unroll
      for (int c = 0; c < kChannels; ++c) sums[c] *= own.share;
      finish_bin<T, kChannels>(how, mine, bin, present, sums, kept, output);
    }
  }
}

// A block owns `kChannels` planes of one image, and its warps walk the rois of that image: the
// planes are read from memory once and then found in L1, however often rois cover them, and few
// planes are under way at a time, so that what does not fit L1 is in L2. Bound: L1, one or two
// 128-byte lines for each row of taps; then memory, features once and the output once.
// `kTaps` is that of `tables`, or 0 where there are none.
template <typename T, int kChannels, int kTaps>
__global__ void __launch_bounds__(kWarp* kMostWarps)
    average_kernel(RoiAlign how, const T* __restrict__ features, const T* __restrict__ rois,
                   const Tap* __restrict__ tables, T* __restrict__ output) {
  const int lane = threadIdx.x % kWarp;
  const int groups = (how.channels + kChannels - 1) / kChannels;
  const int image = static_cast<int>(blockIdx.x) / groups;
  const int channel = static_cast<int>(blockIdx.x) % groups * kChannels;
  const int present = min(kChannels, how.channels - channel);
  const std::int64_t plane = static_cast<std::int64_t>(how.height) * how.width;
  const std::int64_t bins = static_cast<std::int64_t>(how.bin_rows) * how.bin_columns;
  const T* planes = features + (static_cast<std::int64_t>(image) * how.channels + channel) * plane;
  int plane_of[kChannels];  // what is beyond the last channel is computed like it, and not written
#pragma unroll
  for (int c = 0; c < kChannels; ++c) plane_of[c] = min(c, present - 1);

  const int block_warps = static_cast<int>(blockDim.x) / kWarp;
  const std::int64_t warps = static_cast<std::int64_t>(block_warps) * gridDim.y;
  const std::int64_t warp =
      static_cast<std::int64_t>(blockIdx.y) * block_warps + threadIdx.x / kWarp;
  for (std::int64_t base = warp; base < how.rois; base += warps * kWarp) {
    // Lane l looks whose the l-th next roi of this warp is; those of no image are for the first
    // one.
    const std::int64_t looked = base + lane * warps;
    const int owner = looked < how.rois ? image_of(how, rois + looked * 5) : -2;
    const bool ours = owner == image || (owner == -1 && image == 0);
    const unsigned none = __ballot_sync(kAllLanes, owner == -1);
    unsigned waiting = __ballot_sync(kAllLanes, ours);
    while (waiting != 0) {
      const int next = __ffs(static_cast<int>(waiting)) - 1;
      waiting &= waiting - 1;
      const std::int64_t roi = base + next * warps;
      T* to = output + (roi * how.channels + channel) * bins;
      if ((none >> next & 1u) != 0) {
        for (std::int64_t i = lane; i < present * bins; i += kWarp) narrow(to[i], 0.0f);
      } else if constexpr (kTaps == 0) {
        average_any<T, kChannels>(how, planes, plane_of, present, rois + roi * 5, to);
      } else {
        const Tap* table = tables + roi * table_taps(how, kTaps);
        average_known<T, kChannels, kTaps>(how, planes, plane_of, present, table, to);
      }
    }
  }
}

}  // namespace farm
