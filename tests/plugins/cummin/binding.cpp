// What tests call of the kernel: on a processor as on a card.
#include "kernel.hpp"

extern "C" {

std::int64_t cummin_workspace(std::int64_t outer, std::int64_t length, std::int64_t inner) {
  return static_cast<std::int64_t>(farm::cummin_workspace_bytes(outer, length, inner));
}

cudaError_t cummin_float(const float* input, float* values, std::int32_t* indices, void* workspace,
                    std::int64_t outer, std::int64_t length, std::int64_t inner, std::int64_t legacy,
                    cudaStream_t stream) {
  return farm::cummin(input, values, indices, outer, length, inner, legacy != 0, workspace, stream);
}

cudaError_t cummin_half(const __half* input, __half* values, std::int32_t* indices, void* workspace,
                    std::int64_t outer, std::int64_t length, std::int64_t inner, std::int64_t legacy,
                    cudaStream_t stream) {
  return farm::cummin(input, values, indices, outer, length, inner, legacy != 0, workspace, stream);
}

cudaError_t cummin_int(const std::int32_t* input, std::int32_t* values, std::int32_t* indices, void* workspace,
                    std::int64_t outer, std::int64_t length, std::int64_t inner, std::int64_t legacy,
                    cudaStream_t stream) {
  return farm::cummin(input, values, indices, outer, length, inner, legacy != 0, workspace, stream);
}
}
