// What tests call of the kernels.

#include <cstdint>

#include "kernel.hpp"

namespace {

template <typename T>
cudaError_t run(const T* features, const T* rois, T* output, const std::int64_t (&sizes)[7],
                double scale, std::int64_t samples, std::int64_t aligned, std::int64_t average,
                cudaStream_t stream) {
  farm::RoiAlign how = {};
  int* const fields[] = {&how.images, &how.channels, &how.height,     &how.width,
                         &how.rois,   &how.bin_rows, &how.bin_columns};
  for (int i = 0; i < 7; ++i) *fields[i] = static_cast<int>(sizes[i]);
  how.scale = static_cast<float>(scale);
  how.samples = static_cast<int>(samples);
  how.aligned = aligned != 0;
  how.mode = average != 0 ? farm::RoiMode::kAverage : farm::RoiMode::kMax;
  return farm::roi_align(how, features, rois, output, stream);
}

}  // namespace

extern "C" {

cudaError_t roi_align_float32(const float* features, const float* rois, float* output,
                              std::int64_t images, std::int64_t channels, std::int64_t height,
                              std::int64_t width, std::int64_t count, std::int64_t bin_rows,
                              std::int64_t bin_columns, double scale, std::int64_t samples,
                              std::int64_t aligned, std::int64_t average, cudaStream_t stream) {
  return run(features, rois, output,
             {images, channels, height, width, count, bin_rows, bin_columns}, scale, samples,
             aligned, average, stream);
}

cudaError_t roi_align_float16(const __half* features, const __half* rois, __half* output,
                              std::int64_t images, std::int64_t channels, std::int64_t height,
                              std::int64_t width, std::int64_t count, std::int64_t bin_rows,
                              std::int64_t bin_columns, double scale, std::int64_t samples,
                              std::int64_t aligned, std::int64_t average, cudaStream_t stream) {
  return run(features, rois, output,
             {images, channels, height, width, count, bin_rows, bin_columns}, scale, samples,
             aligned, average, stream);
}

}  // extern "C"
