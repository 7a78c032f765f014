// What tests of the running maximum and minimum call, for either.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace farm_test {

// The launcher of the plugin that is bound, which says what these two are.
std::size_t workspace_of(std::int64_t outer, std::int64_t length, std::int64_t inner);
template <typename... Arguments>
cudaError_t run_of(Arguments... arguments);

}  // namespace farm_test

extern "C" {

std::int64_t workspace_bytes(std::int64_t outer, std::int64_t length, std::int64_t inner) {
  return static_cast<std::int64_t>(farm_test::workspace_of(outer, length, inner));
}

cudaError_t run_float(const float* input, float* values, std::int32_t* indices, void* workspace,
                      std::int64_t outer, std::int64_t length, std::int64_t inner,
                      std::int64_t legacy, cudaStream_t stream) {
  return farm_test::run_of(input, values, indices, outer, length, inner, legacy != 0, workspace,
                           stream);
}

cudaError_t run_half(const __half* input, __half* values, std::int32_t* indices, void* workspace,
                     std::int64_t outer, std::int64_t length, std::int64_t inner,
                     std::int64_t legacy, cudaStream_t stream) {
  return farm_test::run_of(input, values, indices, outer, length, inner, legacy != 0, workspace,
                           stream);
}

cudaError_t run_int(const std::int32_t* input, std::int32_t* values, std::int32_t* indices,
                    void* workspace, std::int64_t outer, std::int64_t length, std::int64_t inner,
                    std::int64_t legacy, cudaStream_t stream) {
  return farm_test::run_of(input, values, indices, outer, length, inner, legacy != 0, workspace,
                           stream);
}
}
