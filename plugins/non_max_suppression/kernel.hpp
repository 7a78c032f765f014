// The best boxes of each class, without those that overlap a better one too much.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace farm {

// `boxes` is [images, boxes, 4], `scores` [images, classes, boxes]; the output [images * classes *
// most, 3] has rows of image, class and box, packed from the front, with -1 in those that are left.
struct NonMaxSuppression {
  int images;
  int classes;
  int boxes;
  int most;       // boxes of a class, 1 ... boxes
  bool centred;   // a box is its middle, width and height, not two opposite corners
  float overlap;  // intersection over union above which the worse box goes
  float score;    // which scores must be above
  float border;   // what is added to widths and heights
  bool legacy;    // the best box of a class stays, whatever its score
  // Memory for overlaps; with less, boxes are compared in several turns.
  std::int64_t overlap_bytes = std::int64_t{128} << 20;
};

cudaError_t non_max_suppression(const NonMaxSuppression& how, const float* boxes,
                                const float* scores, std::int32_t* output, void* workspace,
                                cudaStream_t stream);
cudaError_t non_max_suppression(const NonMaxSuppression& how, const __half* boxes,
                                const __half* scores, std::int32_t* output, void* workspace,
                                cudaStream_t stream);

// What a call with these sizes, or with smaller ones, needs.
std::size_t non_max_suppression_workspace_bytes(const NonMaxSuppression& how);

}  // namespace farm
