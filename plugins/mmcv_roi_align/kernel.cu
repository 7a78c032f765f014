#include <algorithm>
#include <cstdint>
#include <limits>

#include "average.cuh"
#include "common/launch.cuh"
#include "kernel.hpp"
#include "largest.cuh"
#include "tables.cuh"

namespace farm {
namespace {

// Enough blocks for every multiprocessor of a large card, twice.
constexpr int kWantedBlocks = 264;
constexpr int kThreads = 256;

// Along each axis of a bin, where tables are made for it: the commonest numbers of samples.
int known_taps(const RoiAlign& how) {
  const bool places_fit = static_cast<std::int64_t>(how.height) * how.width <= -kFarOutside;
  const bool known = how.mode == RoiMode::kAverage && (how.samples == 1 || how.samples == 2);
  return known && places_fit ? 2 * how.samples : 0;
}

template <typename T, int kChannels, int kTaps>
cudaError_t average(const RoiAlign& how, const T* features, const T* rois, const Tap* tables,
                    T* output, cudaStream_t stream) {
  const std::int64_t blocks =
      static_cast<std::int64_t>(how.images) * ceil_div(how.channels, kChannels);
  if (blocks > std::numeric_limits<int>::max()) return cudaErrorInvalidValue;
  // Blocks share the rois only where there are fewer groups of planes than a card has room for.
  const auto wanted = static_cast<int>(std::max<std::int64_t>(kWantedBlocks / blocks, 1));
  const int parts = std::min(wanted, ceil_div(how.rois, kMostWarps));
  const int warps = std::min(std::max(ceil_div(how.rois, parts), 4), kMostWarps);
  const Launch launch{dim3(static_cast<unsigned>(blocks), static_cast<unsigned>(parts)),
                      dim3(static_cast<unsigned>(warps * kWarp)), 0, stream};
  return farm::launch(average_kernel<T, kChannels, kTaps>, launch, how, features, rois, tables,
                      output);
}

template <typename T, int kTaps>
cudaError_t average(const RoiAlign& how, const T* features, const T* rois, Tap* tables, T* output,
                    cudaStream_t stream) {
  if constexpr (kTaps > 0) {
    const std::int64_t count = how.rois * table_taps(how, kTaps);
    const std::int64_t blocks = ceil_div<std::int64_t>(count, kThreads);
    if (blocks > std::numeric_limits<int>::max()) return cudaErrorInvalidValue;
    const Launch launch{dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, stream};
    const cudaError_t status =
        farm::launch(fill_tables<T>, launch, how, kTaps, rois, tables, count);
    if (status != cudaSuccess) return status;
  }
  const std::int64_t bytes = static_cast<std::int64_t>(how.height) * how.width * sizeof(T);
  if (4 * bytes <= how.cached_bytes) {
    return average<T, 4, kTaps>(how, features, rois, tables, output, stream);
  }
  if (2 * bytes <= how.cached_bytes) {
    return average<T, 2, kTaps>(how, features, rois, tables, output, stream);
  }
  return average<T, 1, kTaps>(how, features, rois, tables, output, stream);
}

template <typename T>
cudaError_t dispatch(const RoiAlign& how, const T* features, const T* rois, T* output,
                     void* workspace, cudaStream_t stream) {
  const std::int64_t plane = static_cast<std::int64_t>(how.height) * how.width;
  const std::int64_t count =
      static_cast<std::int64_t>(how.rois) * how.channels * how.bin_rows * how.bin_columns;
  if (count == 0) return cudaSuccess;
  if (plane > std::numeric_limits<int>::max() || how.samples < 0) return cudaErrorInvalidValue;
  if (how.images == 0 || plane == 0) {
    return cudaMemsetAsync(output, 0, static_cast<std::size_t>(count) * sizeof(T), stream);
  }
  if (how.mode == RoiMode::kMax) {
    const std::int64_t blocks =
        std::min<std::int64_t>(ceil_div<std::int64_t>(count, kThreads), 1 << 20);
    return farm::launch(max_kernel<T>,
                        Launch{dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, stream}, how,
                        features, rois, output, count);
  }
  Tap* tables = static_cast<Tap*>(workspace);
  switch (tables == nullptr ? 0 : known_taps(how)) {
    case 2:
      return average<T, 2>(how, features, rois, tables, output, stream);
    case 4:
      return average<T, 4>(how, features, rois, tables, output, stream);
    default:
      return average<T, 0>(how, features, rois, tables, output, stream);
  }
}

}  // namespace

std::size_t roi_align_workspace_bytes(const RoiAlign& how) {
  const int taps = known_taps(how);
  return taps == 0 ? 0 : static_cast<std::size_t>(how.rois * table_taps(how, taps)) * sizeof(Tap);
}

cudaError_t roi_align(const RoiAlign& how, const float* features, const float* rois, float* output,
                      void* workspace, cudaStream_t stream) {
  return dispatch(how, features, rois, output, workspace, stream);
}

cudaError_t roi_align(const RoiAlign& how, const __half* features, const __half* rois,
                      __half* output, void* workspace, cudaStream_t stream) {
  return dispatch(how, features, rois, output, workspace, stream);
}

}  // namespace farm
