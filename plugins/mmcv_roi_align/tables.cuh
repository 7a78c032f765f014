// The taps of all rois, found once for all channels.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "rois.cuh"
#include "samples.cuh"

namespace farm {

constexpr int kWarp = 32;
constexpr unsigned kAllLanes = 0xFFFFFFFFu;
constexpr int kQuad = 4;

struct alignas(16) TapPair {
  Tap first;
  Tap second;
};

// Where taps of rois lie: of each roi those of rows, then those of columns, bin by bin. A bin has
// one quad of taps at least, and the last of its quads is filled up with kNoTap. `starts` says with
// which quad bins begin, and where the last one ends; behind those of both axes is the place of the
// last row with a tap.
struct Tables {
  Tap* taps;
  int* starts;
  int row_quads;  // of one roi, at most
  int column_quads;
};

__host__ __device__ inline int starts_of(const RoiAlign& how) {
  return how.bin_rows + how.bin_columns + 3;
}

// Samples of neighbouring bins share two elements at most, so that all bins together have no more
// taps than the axis has elements, and two for each bin; each bin may leave three places empty.
__host__ __device__ inline int most_quads(int bins, int samples, int size) {
  const std::int64_t touched = (size + std::int64_t{2} * bins) / kQuad + bins;
  const std::int64_t sampled = std::int64_t{bins} * ((std::int64_t{2} * samples + 3) / kQuad);
  return static_cast<int>(samples > 0 && sampled < touched ? sampled : touched);
}

// Gives `emit` the elements that samples of a bin touch, each once with the sum of its shares.
template <typename Emit>
__device__ __forceinline__ void merged_taps(const Axis& axis, int bin, Emit&& emit) {
  Tap low = kNoTap;
  float high = 0.0f;  // the share of the element behind
  for (int i = 0; i < axis.walked; ++i) {
    const Tap tap = tap_of(axis, bin, 2 * i);
    if (tap.place < 0) continue;
    if (tap.place != low.place) {
      const bool before = tap.place + 1 == low.place;
      const bool behind = low.place >= 0 && tap.place == low.place + 1;
      if (!before) emit(low);
      if (!behind) emit(Tap{low.place + 1, high});
      const float kept = before ? low.share : 0.0f;
      low = {tap.place, behind ? high : 0.0f};
      high = kept;
    }
    low.share += tap.share;
    high += 1.0f - tap.share;
  }
  emit(low);
  emit(Tap{low.place + 1, high});
}

// A warp for each axis of each roi, its lanes on bins: they count their quads, then write them.
// Places are those of rows' first elements, and of columns. Bound: a launch.
template <typename T>
__global__ void fill_tables(RoiAlign how, Tables tables, const T* __restrict__ rois) {
  const int lane = threadIdx.x % kWarp;
  const std::int64_t warp =
      (static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x) / kWarp;
  const std::int64_t index = warp / 2;
  if (index >= how.rois) return;
  const bool is_row = warp % 2 == 0;
  const T* roi = rois + index * 5;
  Axis axis = is_row ? row_axis(how, roi) : column_axis(how, roi);
  if (image_of(how, roi) < 0) axis.walked = 0;
  const int bins = is_row ? how.bin_rows : how.bin_columns;
  const int most = is_row ? tables.row_quads : tables.column_quads;
  const std::int64_t before = index * (tables.row_quads + tables.column_quads);
  Tap* taps = tables.taps + (before + (is_row ? 0 : tables.row_quads)) * kQuad;
  int* starts = tables.starts + index * starts_of(how);
  if (!is_row) starts += how.bin_rows + 1;
  const float part = 1.0f / static_cast<float>(max(axis.samples, 1));
  const int step = is_row ? how.width : 1;

  int last = 0;
  int begun = 0;  // quads of the bins before these 32
  for (int first = 0; first < bins; first += kWarp) {
    const int bin = first + lane;
    int count = 0;
    if (bin < bins) merged_taps(axis, bin, [&](Tap tap) { count += tap.share != 0.0f; });
    const int quads = bin < bins ? max((count + kQuad - 1) / kQuad, 1) : 0;
    int end = quads;
    for (int apart = 1; apart < kWarp; apart *= 2) {
      const int other = __shfl_up_sync(kAllLanes, end, apart);
      if (lane >= apart) end += other;
    }
    const int start = min(begun + end - quads, most);
    const int stop = min(begun + end, most);
    begun += __shfl_sync(kAllLanes, end, kWarp - 1);
    if (bin >= bins) continue;
    if (bin == 0) starts[0] = 0;
    starts[bin + 1] = stop;
    Tap* to = taps + start * static_cast<std::int64_t>(kQuad);
    Tap* const behind = taps + stop * static_cast<std::int64_t>(kQuad);
    merged_taps(axis, bin, [&](Tap tap) {
      if (tap.share == 0.0f || to >= behind) return;
      *to++ = {tap.place * step, tap.share * part};
      last = max(last, tap.place * step);
    });
    while (to < behind) *to++ = kNoTap;
  }
  for (int apart = kWarp / 2; apart > 0; apart /= 2) {
    last = max(last, __shfl_xor_sync(kAllLanes, last, apart));
  }
  if (is_row && lane == 0) starts[starts_of(how) - 1] = last;
}

}  // namespace farm
