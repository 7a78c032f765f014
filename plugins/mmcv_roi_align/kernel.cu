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

// One block for every multiprocessor of a large card.
constexpr int kWantedBlocks = 132;
constexpr int kThreads = 256;
// Planes of fewer bytes leave room for two blocks on a multiprocessor.
constexpr std::int64_t kSmallPlanes = 96 << 10;
constexpr int kLeastWarps = 4;

Tables tables_of(const RoiAlign& how) {
  return {nullptr, nullptr, most_quads(how.bin_rows, how.samples, how.height),
          most_quads(how.bin_columns, how.samples, how.width)};
}

std::int64_t tap_bytes(const RoiAlign& how) {
  const Tables one = tables_of(how);
  const std::int64_t quads = std::int64_t{one.row_quads} + one.column_quads;
  return quads * kQuad * static_cast<std::int64_t>(sizeof(Tap));
}

std::int64_t roi_bytes(const RoiAlign& how) {
  return tap_bytes(how) + std::int64_t{starts_of(how)} * static_cast<std::int64_t>(sizeof(int));
}

// Rois whose tables are there at a time.
int rois_at_once(const RoiAlign& how) {
  const std::int64_t fit = std::max<std::int64_t>(how.table_bytes / roi_bytes(how), 1);
  return static_cast<int>(std::min<std::int64_t>(how.rois, fit));
}

struct Blocks {
  int threads;
  int resident;  // elements of a plane in shared memory, or 0
};

// Shared memory pays where nearly all of a plane fits there, and rois are enough to read it whole.
cudaError_t blocks_of(const RoiAlign& how, Blocks* blocks) {
  int device = 0;
  int bytes = 0;
  cudaError_t status = cudaGetDevice(&device);
  if (status != cudaSuccess) return status;
  status = cudaDeviceGetAttribute(&bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  if (status != cudaSuccess) return status;
  bytes = std::min(bytes, how.shared_bytes);
  const std::int64_t plane = static_cast<std::int64_t>(how.height) * how.width;
  const int threads = plane * kWordBytes > kSmallPlanes ? kMostThreads : kMostThreads / 2;
  const std::int64_t besides = block_bytes(threads) + zeros_before(how.width) * kWordBytes;
  const std::int64_t fitting = (bytes - besides) / (std::int64_t{how.width} * kWordBytes);
  const std::int64_t rows = std::min<std::int64_t>(fitting, how.height);
  const std::int64_t taps = 2 * std::max(how.samples, 2);
  const std::int64_t bins = static_cast<std::int64_t>(how.bin_rows) * how.bin_columns;
  if (8 * rows >= std::int64_t{7} * how.height &&
      taps * taps * bins * how.rois / how.images >= plane) {
    *blocks = {threads, static_cast<int>(rows * how.width)};
  } else {
    const int warps = std::max(ceil_div(how.rois, how.images), kLeastWarps);
    *blocks = {std::min(warps, kMostThreads / kWarp) * kWarp, 0};
  }
  return cudaSuccess;
}

template <typename T, bool kStaged, bool kKnown>
cudaError_t average(const RoiAlign& how, const Tables& tables, const T* features, const T* rois,
                    T* output, const Blocks& blocks, cudaStream_t stream) {
  const std::int64_t count =
      static_cast<std::int64_t>(how.images) * ceil_div(how.channels, kPlanes<T>);
  if (count > std::numeric_limits<int>::max()) return cudaErrorInvalidValue;
  // Blocks share the rois only where there are fewer planes than a card has room for.
  const int wanted = static_cast<int>(std::max<std::int64_t>(kWantedBlocks / count, 1));
  const int parts = std::min(wanted, ceil_div(how.rois, blocks.threads));
  int bytes = block_bytes(blocks.threads);
  if (kStaged) bytes += (zeros_before(how.width) + blocks.resident) * kWordBytes;
  const Launch launch{dim3(static_cast<unsigned>(count), static_cast<unsigned>(parts)),
                      dim3(static_cast<unsigned>(blocks.threads)), static_cast<std::size_t>(bytes),
                      stream};
  return farm::launch(average_kernel<T, kStaged, kKnown>, launch, how, tables, features, rois,
                      output, blocks.resident);
}

template <typename T>
cudaError_t average(const RoiAlign& how, const Tables& tables, const T* features, const T* rois,
                    T* output, cudaStream_t stream) {
  const std::int64_t warps = std::int64_t{2} * how.rois;
  const std::int64_t filled = ceil_div<std::int64_t>(warps, kThreads / kWarp);
  const Launch filling{dim3(static_cast<unsigned>(filled)), dim3(kThreads), 0, stream};
  cudaError_t status = farm::launch(fill_tables<T>, filling, how, tables, rois);
  if (status != cudaSuccess) return status;
  Blocks blocks = {};
  status = blocks_of(how, &blocks);
  if (status != cudaSuccess) return status;
  const bool known = how.samples > 0 && 2 * how.samples <= kQuad;
  const auto staged = known ? average<T, true, true> : average<T, true, false>;
  const auto plain = known ? average<T, false, true> : average<T, false, false>;
  return (blocks.resident > 0 ? staged : plain)(how, tables, features, rois, output, blocks,
                                                stream);
}

// As many rois at a time as there is memory for their tables.
template <typename T>
cudaError_t average(const RoiAlign& how, const T* features, const T* rois, T* output,
                    void* workspace, cudaStream_t stream) {
  if (workspace == nullptr) return cudaErrorInvalidValue;
  const int most = rois_at_once(how);
  Tables tables = tables_of(how);
  tables.taps = static_cast<Tap*>(workspace);
  tables.starts = reinterpret_cast<int*>(static_cast<char*>(workspace) + most * tap_bytes(how));
  RoiAlign part = how;
  for (std::int64_t first = 0; first < how.rois; first += most) {
    part.rois = static_cast<int>(std::min<std::int64_t>(most, how.rois - first));
    T* to = output + first * how.channels * how.bin_rows * how.bin_columns;
    const cudaError_t status = average(part, tables, features, rois + first * 5, to, stream);
    if (status != cudaSuccess) return status;
  }
  return cudaSuccess;
}

template <typename T>
cudaError_t dispatch(const RoiAlign& how, const T* features, const T* rois, T* output,
                     void* workspace, cudaStream_t stream) {
  const std::int64_t plane = static_cast<std::int64_t>(how.height) * how.width;
  const std::int64_t count =
      static_cast<std::int64_t>(how.rois) * how.channels * how.bin_rows * how.bin_columns;
  if (count == 0) return cudaSuccess;
  if (plane > -kFarOutside || how.samples < 0) return cudaErrorInvalidValue;
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
  return average(how, features, rois, output, workspace, stream);
}

}  // namespace

std::size_t roi_align_workspace_bytes(const RoiAlign& how) {
  if (how.mode != RoiMode::kAverage || how.rois == 0) return 0;
  const std::int64_t one = roi_bytes(how);
  return static_cast<std::size_t>(std::max(std::min(how.rois * one, how.table_bytes), one));
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
