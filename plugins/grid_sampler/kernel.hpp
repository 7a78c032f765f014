// Values of images or volumes at places that a grid names.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace farm {

enum class Interpolation { kBilinear, kNearest, kBicubic };
enum class Padding { kZeros, kBorder, kReflection };

// `input` is [images, channels, (depth,) height, width], `grid` [images, places, axes] with x, y(,
// z) in -1 ... 1, the output [images, channels, places].
struct GridSampler {
  int images;
  int channels;
  int axes;   // 2, or 3 for volumes
  int depth;  // 1 for images
  int height;
  int width;
  std::int64_t places;
  int columns;  // of the grid of an image: so many places lie side by side
  Interpolation interpolation;
  Padding padding;
  bool align_corners;
  bool legacy;  // a half is rounded away from zero by kNearest, not to the even one
  // From this many values of the output on, tiles of places are sampled from shared memory, and
  // grids that jump about from a copy of the input that has its channels last.
  std::int64_t large_from = std::int64_t{1} << 22;
};

cudaError_t grid_sampler(const GridSampler& how, const float* input, const float* grid,
                         float* output, void* workspace, cudaStream_t stream);
cudaError_t grid_sampler(const GridSampler& how, const __half* input, const __half* grid,
                         __half* output, void* workspace, cudaStream_t stream);

// What a call with these sizes, or with smaller ones, needs.
std::size_t grid_sampler_workspace_bytes(const GridSampler& how, std::size_t element_bytes);

}  // namespace farm
