// A copy of a tensor in which slices are replaced.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace farm {

constexpr int kScatterMaxRank = 8;

// Indices are [count, depth]: each names a slice by its place on the first `depth` axes of the
// data, whose sizes are `sizes`. A slice has `slice_bytes`, an even number. Updates are `count` of
// them.
struct Scatter {
  std::int64_t count;
  int depth;
  std::int64_t sizes[kScatterMaxRank];
  std::int64_t slice_bytes;
};

// Negative indices count from the end; a slice outside of the data is left out. With `output` equal
// to `data` nothing is copied. `workspace` holds `scatter_nd_workspace_bytes` or is null. Pointers
// of tensors are aligned to 16 bytes.
cudaError_t scatter_nd(const Scatter& how, const void* data, const std::int32_t* indices,
                       const void* updates, void* output, void* workspace, cudaStream_t stream);

std::size_t scatter_nd_workspace_bytes(const Scatter& how);

}  // namespace farm
