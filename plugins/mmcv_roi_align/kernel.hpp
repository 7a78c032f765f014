// Regions of a feature map, each resampled to the same number of bins.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace farm {

enum class RoiMode { kMax, kAverage };

// `features` is [images, channels, height, width], `rois` [rois, 5] with image, x1, y1, x2, y2, the
// output [rois, channels, bin_rows, bin_columns]. `samples` of a bin along each axis; 0 for one in
// each element it covers. A roi whose image there is not gives zeros.
struct RoiAlign {
  int images;
  int channels;
  int height;
  int width;
  int rois;
  int bin_rows;
  int bin_columns;
  float scale;
  int samples;
  bool aligned;
  RoiMode mode;
  // Planes that may be expected to stay in L1 between one roi and the next: 1, 2 or 4 of so many
  // bytes are walked together.
  std::int64_t cached_bytes = 256 * 1024;
};

cudaError_t roi_align(const RoiAlign& how, const float* features, const float* rois, float* output,
                      void* workspace, cudaStream_t stream);
cudaError_t roi_align(const RoiAlign& how, const __half* features, const __half* rois,
                      __half* output, void* workspace, cudaStream_t stream);

// What a call with these sizes, or with smaller ones, needs; without, it is only slower.
std::size_t roi_align_workspace_bytes(const RoiAlign& how);

}  // namespace farm
