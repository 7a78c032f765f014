// The running maximum: the scans are in common/running_extremum.cuh, with their mapping of threads.
#include "kernel.hpp"

#include "common/running_extremum.cuh"

namespace farm {

cudaError_t cummax(const float* input, float* values, std::int32_t* indices, std::int64_t outer,
                   std::int64_t length, std::int64_t inner, bool legacy, void* workspace,
                   cudaStream_t stream) {
  return running_extremum::in_order<true>(input, values, indices, {outer, length, inner}, legacy,
                                          workspace, stream);
}

cudaError_t cummax(const __half* input, __half* values, std::int32_t* indices, std::int64_t outer,
                   std::int64_t length, std::int64_t inner, bool legacy, void* workspace,
                   cudaStream_t stream) {
  return running_extremum::in_order<true>(input, values, indices, {outer, length, inner}, legacy,
                                          workspace, stream);
}

cudaError_t cummax(const std::int32_t* input, std::int32_t* values, std::int32_t* indices,
                   std::int64_t outer, std::int64_t length, std::int64_t inner, bool legacy,
                   void* workspace, cudaStream_t stream) {
  return running_extremum::in_order<true>(input, values, indices, {outer, length, inner}, legacy,
                                          workspace, stream);
}

std::size_t cummax_workspace_bytes(std::int64_t outer, std::int64_t length, std::int64_t inner) {
  return running_extremum::workspace_bytes({outer, length, inner});
}

}  // namespace farm
