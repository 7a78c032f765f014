// What tests call of the kernels.

#include <cstdint>

#include "kernel.hpp"

namespace {

// Sizes and attributes in the order of the members, whole numbers and fractions apart.
farm::NonMaxSuppression described(const std::int64_t* told, const float* fractions) {
  farm::NonMaxSuppression how = {};
  how.images = static_cast<int>(told[0]);
  how.classes = static_cast<int>(told[1]);
  how.boxes = static_cast<int>(told[2]);
  how.most = static_cast<int>(told[3]);
  how.centred = told[4] != 0;
  how.legacy = told[5] != 0;
  how.overlap_bytes = told[6];
  how.overlap = fractions[0];
  how.score = fractions[1];
  how.border = fractions[2];
  return how;
}

}  // namespace

// `told` and `fractions` are memory of the host, also where the tensors are on a card.
extern "C" {

cudaError_t non_max_suppression_float32(const float* boxes, const float* scores,
                                        std::int32_t* output, void* workspace,
                                        const std::int64_t* told, const float* fractions,
                                        cudaStream_t stream) {
  return farm::non_max_suppression(described(told, fractions), boxes, scores, output, workspace,
                                   stream);
}

cudaError_t non_max_suppression_float16(const __half* boxes, const __half* scores,
                                        std::int32_t* output, void* workspace,
                                        const std::int64_t* told, const float* fractions,
                                        cudaStream_t stream) {
  return farm::non_max_suppression(described(told, fractions), boxes, scores, output, workspace,
                                   stream);
}

cudaError_t non_max_suppression_workspace(const std::int64_t* told, const float* fractions,
                                          std::int64_t* bytes) {
  *bytes = static_cast<std::int64_t>(
      farm::non_max_suppression_workspace_bytes(described(told, fractions)));
  return cudaSuccess;
}

}  // extern "C"
