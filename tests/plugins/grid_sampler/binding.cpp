// What tests call of the kernels.

#include <cstdint>

#include "kernel.hpp"

namespace {

// Sizes and attributes in the order of the members, as whole numbers.
farm::GridSampler described(const std::int64_t* told) {
  farm::GridSampler how = {};
  how.images = static_cast<int>(told[0]);
  how.channels = static_cast<int>(told[1]);
  how.axes = static_cast<int>(told[2]);
  how.depth = static_cast<int>(told[3]);
  how.height = static_cast<int>(told[4]);
  how.width = static_cast<int>(told[5]);
  how.places = told[6];
  how.interpolation = static_cast<farm::Interpolation>(told[7]);
  how.padding = static_cast<farm::Padding>(told[8]);
  how.align_corners = told[9] != 0;
  how.legacy = told[10] != 0;
  how.copies_from = told[11];
  return how;
}

}  // namespace

// `told` is memory of the host, also where the tensors are on a card.
extern "C" {

cudaError_t grid_sampler_float32(const float* input, const float* grid, float* output,
                                 void* workspace, const std::int64_t* told, cudaStream_t stream) {
  return farm::grid_sampler(described(told), input, grid, output, workspace, stream);
}

cudaError_t grid_sampler_float16(const __half* input, const __half* grid, __half* output,
                                 void* workspace, const std::int64_t* told, cudaStream_t stream) {
  return farm::grid_sampler(described(told), input, grid, output, workspace, stream);
}

cudaError_t grid_sampler_workspace(const std::int64_t* told, std::int64_t element_bytes,
                                   std::int64_t* bytes) {
  *bytes = static_cast<std::int64_t>(
      farm::grid_sampler_workspace_bytes(described(told), static_cast<std::size_t>(element_bytes)));
  return cudaSuccess;
}

}  // extern "C"
