// Instance normalization: each plane of each sample and channel to mean 0 and variance 1.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace farm {

// `input` and `output` are [samples, channels, size], `scale` and `bias` [channels].
// `workspace` holds `instance_norm_workspace_bytes` of these sizes or larger ones; null where that
// is 0. Pointers of tensors are aligned to 16 bytes.
cudaError_t instance_norm(const float* input, const float* scale, const float* bias, float* output,
                          std::int64_t samples, std::int64_t channels, std::int64_t size,
                          float epsilon, void* workspace, cudaStream_t stream);
cudaError_t instance_norm(const __half* input, const __half* scale, const __half* bias,
                          __half* output, std::int64_t samples, std::int64_t channels,
                          std::int64_t size, float epsilon, void* workspace, cudaStream_t stream);

std::size_t instance_norm_workspace_bytes(std::int64_t samples, std::int64_t channels,
                                          std::int64_t size);

}  // namespace farm
