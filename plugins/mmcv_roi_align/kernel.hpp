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
  // Of a block, at most, besides what the card allows; planes that do not fit are read where they
  // lie.
  int shared_bytes = 1 << 30;
  // Of the workspace, at most, unless one roi needs more; rois are done in so many turns.
  std::int64_t table_bytes = std::int64_t{256} << 20;
};

cudaError_t roi_align(const RoiAlign& how, const float* features, const float* rois, float* output,
                      void* workspace, cudaStream_t stream);
cudaError_t roi_align(const RoiAlign& how, const __half* features, const __half* rois,
                      __half* output, void* workspace, cudaStream_t stream);

// What a call with these sizes, or with smaller ones, needs.
std::size_t roi_align_workspace_bytes(const RoiAlign& how);

}  // namespace farm
