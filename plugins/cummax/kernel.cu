// The running maximum: the scans are in common/running_extremum.cuh, with their mapping of threads.
#include "kernel.hpp"

#include "common/running_extremum.cuh"

namespace farm {
namespace {

template <typename T>
cudaError_t in_order(const T* input, T* values, std::int32_t* indices,
                     const running_extremum::Shape& shape, bool legacy, void* workspace,
                     cudaStream_t stream) {
  constexpr bool kMaximum = true;
  if (legacy) {
    using First = running_extremum::FirstOfEquals<kMaximum>;
    return running_extremum::run<First>(input, values, indices, shape, workspace, stream);
  }
  using Last = running_extremum::LastOfEquals<kMaximum>;
  return running_extremum::run<Last>(input, values, indices, shape, workspace, stream);
}

}  // namespace

cudaError_t cummax(const float* input, float* values, std::int32_t* indices, std::int64_t outer,
                   std::int64_t length, std::int64_t inner, bool legacy, void* workspace,
                   cudaStream_t stream) {
  return in_order(input, values, indices, {outer, length, inner}, legacy, workspace, stream);
}

cudaError_t cummax(const __half* input, __half* values, std::int32_t* indices, std::int64_t outer,
                   std::int64_t length, std::int64_t inner, bool legacy, void* workspace,
                   cudaStream_t stream) {
  return in_order(input, values, indices, {outer, length, inner}, legacy, workspace, stream);
}

cudaError_t cummax(const std::int32_t* input, std::int32_t* values, std::int32_t* indices,
                   std::int64_t outer, std::int64_t length, std::int64_t inner, bool legacy,
                   void* workspace, cudaStream_t stream) {
  return in_order(input, values, indices, {outer, length, inner}, legacy, workspace, stream);
}

std::size_t cummax_workspace_bytes(std::int64_t outer, std::int64_t length, std::int64_t inner) {
  return running_extremum::workspace_bytes({outer, length, inner});
}

}  // namespace farm
