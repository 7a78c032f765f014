// The largest sample of each bin.
#pragma once

#include <cmath>
#include <cstdint>

#include "rois.cuh"
#include "samples.cuh"

namespace farm {

// The largest sample of a bin; NaN where there is one.
template <typename T>
__device__ float largest(const RoiAlign& how, const T* plane, const Axis& rows, int row,
                         const Axis& columns, int column) {
  const bool skips = columns.walked < columns.samples || rows.walked < rows.samples;
  float best = skips ? 0.0f : -INFINITY;
  for (int y = 0; y < rows.walked; ++y) {
    const Tap upper = tap_of(rows, row, 2 * y);
    const Tap lower = tap_of(rows, row, 2 * y + 1);
    const T* above = plane + max(upper.place, 0) * static_cast<std::int64_t>(how.width);
    const T* below = plane + max(lower.place, 0) * static_cast<std::int64_t>(how.width);
    for (int x = 0; x < columns.walked; ++x) {
      const Tap left = tap_of(columns, column, 2 * x);
      const Tap right = tap_of(columns, column, 2 * x + 1);
      float value = 0.0f;
      if (upper.place >= 0 && left.place >= 0) {
        const float over =
            left.share * wide(above[left.place]) + right.share * wide(above[right.place]);
        const float under =
            left.share * wide(below[left.place]) + right.share * wide(below[right.place]);
        value = upper.share * over + lower.share * under;
      }
      if (value > best || isnan(value)) best = value;
    }
  }
  return best;
}

// The largest sample of each bin: one thread for each element of the output, neighbours along its
// columns. Samples outside the map are zeros and count. Bound: L1, as taps of a warp lie in several
// rows.
template <typename T>
__global__ void max_kernel(RoiAlign how, const T* features, const T* rois, T* output,
                           std::int64_t count) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  for (std::int64_t i = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x; i < count;
       i += stride) {
    const int column = static_cast<int>(i % how.bin_columns);
    const int row = static_cast<int>(i / how.bin_columns % how.bin_rows);
    const std::int64_t of_roi = i / how.bin_columns / how.bin_rows;
    const T* roi = rois + of_roi / how.channels * 5;
    const int image = image_of(how, roi);
    const Axis columns = column_axis(how, roi);
    const Axis rows = row_axis(how, roi);
    if (image < 0 || columns.samples == 0 || rows.samples == 0) {
      narrow(output[i], 0.0f);
      continue;
    }
    const T* plane =
        features + (image * static_cast<std::int64_t>(how.channels) + of_roi % how.channels) *
                       how.height * how.width;
    narrow(output[i], largest(how, plane, rows, row, columns, column));
  }
}

}  // namespace farm
