// Softsign, scaled: scale * x / (1 + |x|), element by element.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

namespace farm {

cudaError_t my_operator(const float* input, float* output, std::int64_t count, float scale,
                        cudaStream_t stream);
cudaError_t my_operator(const __half* input, __half* output, std::int64_t count, float scale,
                        cudaStream_t stream);

}  // namespace farm
