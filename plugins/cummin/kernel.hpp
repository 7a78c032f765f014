// The running minimum along one axis, with the place of each minimum.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace farm {

// A tensor seen as [outer, length, inner]; the axis walked is the middle one.
// `workspace` holds `cummin_workspace_bytes` of these sizes or larger ones; null where that is 0.
// Pointers of tensors are aligned to 16 bytes.
// `legacy` keeps the first of equal elements and never chooses a NaN after the first element.
cudaError_t cummin(const float* input, float* values, std::int32_t* indices, std::int64_t outer,
                   std::int64_t length, std::int64_t inner, bool legacy, void* workspace,
                   cudaStream_t stream);
cudaError_t cummin(const __half* input, __half* values, std::int32_t* indices, std::int64_t outer,
                   std::int64_t length, std::int64_t inner, bool legacy, void* workspace,
                   cudaStream_t stream);
cudaError_t cummin(const std::int32_t* input, std::int32_t* values, std::int32_t* indices,
                   std::int64_t outer, std::int64_t length, std::int64_t inner, bool legacy,
                   void* workspace, cudaStream_t stream);

std::size_t cummin_workspace_bytes(std::int64_t outer, std::int64_t length, std::int64_t inner);

}  // namespace farm
