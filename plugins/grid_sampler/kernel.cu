#include <algorithm>
#include <cstdint>
#include <limits>

#include "channels_last.cuh"
#include "common/launch.cuh"
#include "kernel.hpp"
#include "planes.cuh"
#include "tiles.cuh"

namespace farm {
namespace {

// The flag comes first in the workspace, the copy behind it, aligned as all memory of CUDA is.
constexpr std::size_t kFlagBytes = 256;
constexpr std::int64_t kMostCopiedBytes = std::int64_t{512} << 20;
// With fewer channels, lanes would have none.
constexpr int kLeastChannels = 32;
// As many as a large card has at a time, so that they end at once where there is nothing to do.
constexpr std::int64_t kTurningBlocks = 132 * 8;
// So many that the last few of a card hold nobody up.
constexpr std::int64_t kSamplingBlocks = 132 * 32;
constexpr int kMostChunk = 16;
constexpr int kLeastChunk = 4;
// Threads that keep a large card busy twice over.
constexpr std::int64_t kWantedThreads = std::int64_t{1} << 19;

std::int64_t plane_of(const GridSampler& how) {
  return static_cast<std::int64_t>(how.depth) * how.height * how.width;
}

std::int64_t copied_bytes(const GridSampler& how, std::size_t element_bytes) {
  const auto channels =
      element_bytes == sizeof(float) ? turned_channels<float>(how) : turned_channels<__half>(how);
  return how.images * plane_of(how) * channels * static_cast<std::int64_t>(element_bytes);
}

// Neither shrinks when a size grows, so that a workspace for the largest sizes fits all.
bool may_copy(const GridSampler& how) {
  return how.channels >= kLeastChannels &&
         how.images * how.channels * how.places >= how.large_from && plane_of(how) > 0;
}

// Worth judging the grid: the copy fits, and enough is sampled from it. It reads and writes the
// input once, and saves reading most of a sector for each tap.
bool copies(const GridSampler& how, std::size_t element_bytes) {
  return may_copy(how) && copied_bytes(how, element_bytes) <= kMostCopiedBytes &&
         2 * how.places >= plane_of(how);
}

bool one_dimension(std::int64_t blocks) { return blocks <= std::numeric_limits<int>::max(); }

Launch blocks_of(std::int64_t blocks, dim3 threads, cudaStream_t stream) {
  return {dim3(static_cast<unsigned>(blocks)), threads, 0, stream};
}

template <typename T, int kAxes, Interpolation kHow>
cudaError_t by_planes(const GridSampler& how, const T* input, const T* grid, T* output,
                      const int* rough, cudaStream_t stream) {
  int chunk = kMostChunk;
  while (chunk > kLeastChunk &&
         how.images * how.places * ceil_div(how.channels, chunk) < kWantedThreads) {
    chunk /= 2;
  }
  const std::int64_t tiles = ceil_div<std::int64_t>(how.places, kPlaneThreads);
  const std::int64_t blocks = tiles * ceil_div(how.channels, chunk) * how.images;
  if (!one_dimension(blocks)) return cudaErrorInvalidValue;
  return launch(sample_planes<T, kAxes, kHow>, blocks_of(blocks, dim3(kPlaneThreads), stream), how,
                input, grid, output, chunk, rough);
}

// 64 x 16 places, and boxes of 24 rows; rows of boxes are a multiple of all banks, so that lanes on
// two rows of elements do not meet. Shared memory: 36 KB (float32), 24 KB (float16).
template <typename T>
using Tile = TileShape<T, 256, 64, 16, sizeof(T) == 4 ? 96 : 128, 24, 4>;
constexpr int kTileChunk = 32;
constexpr std::int64_t kWantedTiles = 264;

// Worth copying boxes, which consist of vectors, as rows of elements then must.
template <typename T>
bool fits_tiles(const GridSampler& how, const T* input, const T* output) {
  return how.images * how.channels * how.places >= how.large_from &&
         how.width % Tile<T>::vector == 0 && how.columns % Tile<T>::across == 0 &&
         reinterpret_cast<std::uintptr_t>(input) % 16 == 0 &&
         reinterpret_cast<std::uintptr_t>(output) % 4 == 0;
}

template <typename T>
cudaError_t by_tiles(const GridSampler& how, const T* input, const T* grid, T* output,
                     const int* rough, cudaStream_t stream) {
  const std::int64_t rows = how.places / how.columns;
  const std::int64_t tiles = ceil_div<std::int64_t>(how.columns, Tile<T>::width) *
                             ceil_div<std::int64_t>(rows, Tile<T>::height) * how.images;
  int chunk = kTileChunk;
  while (chunk > kLeastChunk && tiles * ceil_div(how.channels, chunk) < kWantedTiles) chunk /= 2;
  const std::int64_t blocks = tiles * ceil_div(how.channels, chunk);
  if (!one_dimension(blocks)) return cudaErrorInvalidValue;
  const Launch shape{dim3(static_cast<unsigned>(blocks)), dim3(Tile<T>::threads), Tile<T>::bytes,
                     stream};
  return launch(sample_tiles<Tile<T>>, shape, how, input, grid, output, chunk, rough);
}

template <typename T, int kAxes, Interpolation kHow>
cudaError_t by_copy(const GridSampler& how, const T* input, const T* grid, T* output, int* rough,
                    T* turned, cudaStream_t stream) {
  using Squares = Turning<T>;
  const std::int64_t strips = how.images * ceil_div(turned_channels<T>(how), Squares::kChannels);
  const std::int64_t down = std::min<std::int64_t>(
      ceil_div<std::int64_t>(plane_of(how), Squares::kElements), ceil_div(kTurningBlocks, strips));
  const std::int64_t tiles = ceil_div<std::int64_t>(how.places, kTilePlaces) * how.images;
  if (!one_dimension(strips)) return cudaErrorInvalidValue;
  const Launch turning{dim3(static_cast<unsigned>(strips), static_cast<unsigned>(down)),
                       dim3(kLanes, kTurnRows), 0, stream};
  const cudaError_t status =
      launch(turn_channels<T, kAxes>, turning, how, input, grid, turned, rough);
  if (status != cudaSuccess) return status;
  return launch(sample_turned<T, kAxes, kHow>,
                blocks_of(std::min(tiles, kSamplingBlocks), dim3(kTileThreads), stream), how,
                turned, grid, output, rough);
}

template <typename T, int kAxes, Interpolation kHow>
cudaError_t sampled(const GridSampler& how, const T* input, const T* grid, T* output,
                    void* workspace, cudaStream_t stream) {
  int* rough = nullptr;
  if (workspace != nullptr && copies(how, sizeof(T))) {
    rough = static_cast<int*>(workspace);
    T* turned = reinterpret_cast<T*>(static_cast<char*>(workspace) + kFlagBytes);
    const cudaError_t status =
        by_copy<T, kAxes, kHow>(how, input, grid, output, rough, turned, stream);
    if (status != cudaSuccess) return status;
  }
  if constexpr (kAxes == 2 && kHow == Interpolation::kBilinear) {
    if (fits_tiles(how, input, output)) return by_tiles(how, input, grid, output, rough, stream);
  }
  return by_planes<T, kAxes, kHow>(how, input, grid, output, rough, stream);
}

template <typename T, int kAxes>
cudaError_t along_axes(const GridSampler& how, const T* input, const T* grid, T* output,
                       void* workspace, cudaStream_t stream) {
  switch (how.interpolation) {
    case Interpolation::kBilinear:
      return sampled<T, kAxes, Interpolation::kBilinear>(how, input, grid, output, workspace,
                                                         stream);
    case Interpolation::kNearest:
      return sampled<T, kAxes, Interpolation::kNearest>(how, input, grid, output, workspace,
                                                        stream);
    case Interpolation::kBicubic:
      if constexpr (kAxes == 2) {
        return sampled<T, kAxes, Interpolation::kBicubic>(how, input, grid, output, workspace,
                                                          stream);
      }
      break;  // PyTorch has none for volumes either
  }
  return cudaErrorInvalidValue;
}

template <typename T>
cudaError_t dispatch(const GridSampler& how, const T* input, const T* grid, T* output,
                     void* workspace, cudaStream_t stream) {
  const std::int64_t count = how.images * how.places * how.channels;
  if (count == 0) return cudaSuccess;
  if (plane_of(how) > std::numeric_limits<int>::max()) return cudaErrorInvalidValue;
  if (plane_of(how) == 0) {
    return cudaMemsetAsync(output, 0, static_cast<std::size_t>(count) * sizeof(T), stream);
  }
  if (how.axes == 2) return along_axes<T, 2>(how, input, grid, output, workspace, stream);
  if (how.axes == 3) return along_axes<T, 3>(how, input, grid, output, workspace, stream);
  return cudaErrorInvalidValue;
}

}  // namespace

std::size_t grid_sampler_workspace_bytes(const GridSampler& how, std::size_t element_bytes) {
  if (!may_copy(how)) return 0;
  const std::int64_t copied = std::min(copied_bytes(how, element_bytes), kMostCopiedBytes);
  return kFlagBytes + static_cast<std::size_t>(copied);
}

cudaError_t grid_sampler(const GridSampler& how, const float* input, const float* grid,
                         float* output, void* workspace, cudaStream_t stream) {
  return dispatch(how, input, grid, output, workspace, stream);
}

cudaError_t grid_sampler(const GridSampler& how, const __half* input, const __half* grid,
                         __half* output, void* workspace, cudaStream_t stream) {
  return dispatch(how, input, grid, output, workspace, stream);
}

}  // namespace farm
