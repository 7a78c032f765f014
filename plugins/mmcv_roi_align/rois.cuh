// What the five numbers of a roi say.
#pragma once

#include "kernel.hpp"
#include "samples.cuh"

namespace farm {

// The image of a roi, or -1.
template <typename T>
__device__ __forceinline__ int image_of(const RoiAlign& how, const T* roi) {
  const float image = wide(roi[0]);
  return image >= 0.0f && image < static_cast<float>(how.images) ? static_cast<int>(image) : -1;
}

template <typename T>
__device__ __forceinline__ Axis column_axis(const RoiAlign& how, const T* roi) {
  return axis_of(wide(roi[1]), wide(roi[3]), how.scale, how.aligned, how.bin_columns, how.samples,
                 how.width);
}

template <typename T>
__device__ __forceinline__ Axis row_axis(const RoiAlign& how, const T* roi) {
  return axis_of(wide(roi[2]), wide(roi[4]), how.scale, how.aligned, how.bin_rows, how.samples,
                 how.height);
}

}  // namespace farm
