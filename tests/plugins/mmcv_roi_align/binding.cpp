// What tests call of the kernels.

#include <cstdint>

#include "kernel.hpp"

namespace {

farm::RoiAlign described(std::int64_t images, std::int64_t channels, std::int64_t height,
                         std::int64_t width, std::int64_t count, std::int64_t bin_rows,
                         std::int64_t bin_columns, double scale, std::int64_t samples,
                         std::int64_t aligned, std::int64_t average, std::int64_t shared_bytes,
                         std::int64_t table_bytes) {
  farm::RoiAlign how = {};
  how.images = static_cast<int>(images);
  how.channels = static_cast<int>(channels);
  how.height = static_cast<int>(height);
  how.width = static_cast<int>(width);
  how.rois = static_cast<int>(count);
  how.bin_rows = static_cast<int>(bin_rows);
  how.bin_columns = static_cast<int>(bin_columns);
  how.scale = static_cast<float>(scale);
  how.samples = static_cast<int>(samples);
  how.aligned = aligned != 0;
  how.mode = average != 0 ? farm::RoiMode::kAverage : farm::RoiMode::kMax;
  how.shared_bytes = static_cast<int>(shared_bytes);
  how.table_bytes = table_bytes;
  return how;
}

}  // namespace

extern "C" {

cudaError_t run_float(std::int64_t images, std::int64_t channels, std::int64_t height,
                      std::int64_t width, std::int64_t count, std::int64_t bin_rows,
                      std::int64_t bin_columns, double scale, std::int64_t samples,
                      std::int64_t aligned, std::int64_t average, std::int64_t shared_bytes,
                      std::int64_t table_bytes, const float* features, const float* rois,
                      float* output, void* workspace, cudaStream_t stream) {
  return farm::roi_align(described(images, channels, height, width, count, bin_rows, bin_columns,
                                   scale, samples, aligned, average, shared_bytes, table_bytes),
                         features, rois, output, workspace, stream);
}

cudaError_t run_half(std::int64_t images, std::int64_t channels, std::int64_t height,
                     std::int64_t width, std::int64_t count, std::int64_t bin_rows,
                     std::int64_t bin_columns, double scale, std::int64_t samples,
                     std::int64_t aligned, std::int64_t average, std::int64_t shared_bytes,
                     std::int64_t table_bytes, const __half* features, const __half* rois,
                     __half* output, void* workspace, cudaStream_t stream) {
  return farm::roi_align(described(images, channels, height, width, count, bin_rows, bin_columns,
                                   scale, samples, aligned, average, shared_bytes, table_bytes),
                         features, rois, output, workspace, stream);
}

std::int64_t workspace_bytes(std::int64_t images, std::int64_t channels, std::int64_t height,
                             std::int64_t width, std::int64_t count, std::int64_t bin_rows,
                             std::int64_t bin_columns, double scale, std::int64_t samples,
                             std::int64_t aligned, std::int64_t average, std::int64_t shared_bytes,
                             std::int64_t table_bytes) {
  return static_cast<std::int64_t>(farm::roi_align_workspace_bytes(
      described(images, channels, height, width, count, bin_rows, bin_columns, scale, samples,
                aligned, average, shared_bytes, table_bytes)));
}

}  // extern "C"
