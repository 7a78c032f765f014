// A thread computes one element, and the one a whole grid further on, and so on: neighbours read
// neighbours, so that a warp reads whole lines. Every byte is read once and written once, and no
// shared memory is used: the bound expected is the bandwidth of memory.
#include "kernel.hpp"

#include <algorithm>

#include "common/launch.cuh"

namespace farm {
namespace {

constexpr int kThreads = 256;
// Enough to fill any card; what is beyond is walked in the loop of the kernel.
constexpr std::int64_t kMostBlocks = 1 << 16;

__device__ float number(float value) { return value; }
__device__ float number(__half value) { return __half2float(value); }
__device__ void store(float* place, float value) { *place = value; }
__device__ void store(__half* place, float value) { *place = __float2half(value); }

template <typename T>
__global__ void softsign(const T* input, T* output, std::int64_t count, float scale) {
  const std::int64_t stride = static_cast<std::int64_t>(gridDim.x) * blockDim.x;
  std::int64_t at = static_cast<std::int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  for (; at < count; at += stride) {
    // Computed in float32 whatever the tensors are.
    const float x = number(input[at]);
    store(output + at, scale * x / (1.0f + fabsf(x)));
  }
}

template <typename T>
cudaError_t run(const T* input, T* output, std::int64_t count, float scale, cudaStream_t stream) {
  const std::int64_t blocks = std::min(ceil_div<std::int64_t>(count, kThreads), kMostBlocks);
  const Launch shape{dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, stream};
  return launch(softsign<T>, shape, input, output, count, scale);
}

}  // namespace

cudaError_t my_operator(const float* input, float* output, std::int64_t count, float scale,
                        cudaStream_t stream) {
  return run(input, output, count, scale, stream);
}

cudaError_t my_operator(const __half* input, __half* output, std::int64_t count, float scale,
                        cudaStream_t stream) {
  return run(input, output, count, scale, stream);
}

}  // namespace farm
