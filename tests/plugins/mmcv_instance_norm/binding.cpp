// What tests call of the kernel: on a processor as on a card.
#include "kernel.hpp"

extern "C" {

std::int64_t instance_norm_workspace(std::int64_t samples, std::int64_t channels, std::int64_t size) {
  return static_cast<std::int64_t>(farm::instance_norm_workspace_bytes(samples, channels, size));
}

cudaError_t instance_norm_float32(const float* input, const float* scale, const float* bias, float* output,
                                  std::int64_t samples, std::int64_t channels, std::int64_t size, double epsilon,
                                  void* workspace, cudaStream_t stream) {
  return farm::instance_norm(input, scale, bias, output, samples, channels, size, static_cast<float>(epsilon),
                             workspace, stream);
}

cudaError_t instance_norm_float16(const __half* input, const __half* scale, const __half* bias, __half* output,
                                  std::int64_t samples, std::int64_t channels, std::int64_t size, double epsilon,
                                  void* workspace, cudaStream_t stream) {
  return farm::instance_norm(input, scale, bias, output, samples, channels, size, static_cast<float>(epsilon),
                             workspace, stream);
}
}
