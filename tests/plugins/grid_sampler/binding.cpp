// What tests call of the kernels.

#include <cstdint>

#include "kernel.hpp"

namespace {

farm::GridSampler described(std::int64_t images, std::int64_t channels, std::int64_t axes,
                            std::int64_t depth, std::int64_t height, std::int64_t width,
                            std::int64_t places, std::int64_t columns, std::int64_t interpolation,
                            std::int64_t padding, std::int64_t align_corners, std::int64_t legacy,
                            std::int64_t large_from) {
  farm::GridSampler how = {};
  how.images = static_cast<int>(images);
  how.channels = static_cast<int>(channels);
  how.axes = static_cast<int>(axes);
  how.depth = static_cast<int>(depth);
  how.height = static_cast<int>(height);
  how.width = static_cast<int>(width);
  how.places = places;
  how.columns = static_cast<int>(columns);
  how.interpolation = static_cast<farm::Interpolation>(interpolation);
  how.padding = static_cast<farm::Padding>(padding);
  how.align_corners = align_corners != 0;
  how.legacy = legacy != 0;
  how.large_from = large_from;
  return how;
}

}  // namespace

extern "C" {

cudaError_t run_float(std::int64_t images, std::int64_t channels, std::int64_t axes,
                      std::int64_t depth, std::int64_t height, std::int64_t width,
                      std::int64_t places, std::int64_t columns, std::int64_t interpolation,
                      std::int64_t padding, std::int64_t align_corners, std::int64_t legacy,
                      std::int64_t large_from, const float* input, const float* grid, float* output,
                      void* workspace, cudaStream_t stream) {
  return farm::grid_sampler(described(images, channels, axes, depth, height, width, places, columns,
                                      interpolation, padding, align_corners, legacy, large_from),
                            input, grid, output, workspace, stream);
}

cudaError_t run_half(std::int64_t images, std::int64_t channels, std::int64_t axes,
                     std::int64_t depth, std::int64_t height, std::int64_t width,
                     std::int64_t places, std::int64_t columns, std::int64_t interpolation,
                     std::int64_t padding, std::int64_t align_corners, std::int64_t legacy,
                     std::int64_t large_from, const __half* input, const __half* grid,
                     __half* output, void* workspace, cudaStream_t stream) {
  return farm::grid_sampler(described(images, channels, axes, depth, height, width, places, columns,
                                      interpolation, padding, align_corners, legacy, large_from),
                            input, grid, output, workspace, stream);
}

std::int64_t workspace_bytes(std::int64_t images, std::int64_t channels, std::int64_t axes,
                             std::int64_t depth, std::int64_t height, std::int64_t width,
                             std::int64_t places, std::int64_t columns, std::int64_t interpolation,
                             std::int64_t padding, std::int64_t align_corners, std::int64_t legacy,
                             std::int64_t large_from, std::int64_t element_bytes) {
  return static_cast<std::int64_t>(farm::grid_sampler_workspace_bytes(
      described(images, channels, axes, depth, height, width, places, columns, interpolation,
                padding, align_corners, legacy, large_from),
      static_cast<std::size_t>(element_bytes)));
}

}  // extern "C"
