// What tests call of the kernels.

#include <cstdint>

#include "kernel.hpp"

namespace {

farm::NonMaxSuppression described(std::int64_t images, std::int64_t classes, std::int64_t boxes,
                                  std::int64_t most, std::int64_t centred, std::int64_t legacy,
                                  std::int64_t overlap_bytes, double overlap, double score,
                                  double border) {
  farm::NonMaxSuppression how = {};
  how.images = static_cast<int>(images);
  how.classes = static_cast<int>(classes);
  how.boxes = static_cast<int>(boxes);
  how.most = static_cast<int>(most);
  how.centred = centred != 0;
  how.legacy = legacy != 0;
  how.overlap_bytes = overlap_bytes;
  how.overlap = static_cast<float>(overlap);
  how.score = static_cast<float>(score);
  how.border = static_cast<float>(border);
  return how;
}

}  // namespace

extern "C" {

cudaError_t run_float(std::int64_t images, std::int64_t classes, std::int64_t box_count,
                      std::int64_t most, std::int64_t centred, std::int64_t legacy,
                      std::int64_t overlap_bytes, double overlap, double score, double border,
                      const float* boxes, const float* scores, std::int32_t* output,
                      void* workspace, cudaStream_t stream) {
  return farm::non_max_suppression(described(images, classes, box_count, most, centred, legacy,
                                             overlap_bytes, overlap, score, border),
                                   boxes, scores, output, workspace, stream);
}

cudaError_t run_half(std::int64_t images, std::int64_t classes, std::int64_t box_count,
                     std::int64_t most, std::int64_t centred, std::int64_t legacy,
                     std::int64_t overlap_bytes, double overlap, double score, double border,
                     const __half* boxes, const __half* scores, std::int32_t* output,
                     void* workspace, cudaStream_t stream) {
  return farm::non_max_suppression(described(images, classes, box_count, most, centred, legacy,
                                             overlap_bytes, overlap, score, border),
                                   boxes, scores, output, workspace, stream);
}

std::int64_t workspace_bytes(std::int64_t images, std::int64_t classes, std::int64_t boxes,
                             std::int64_t most, std::int64_t centred, std::int64_t legacy,
                             std::int64_t overlap_bytes, double overlap, double score,
                             double border) {
  return static_cast<std::int64_t>(farm::non_max_suppression_workspace_bytes(described(
      images, classes, boxes, most, centred, legacy, overlap_bytes, overlap, score, border)));
}

}  // extern "C"
