// What tests call of the kernel: on a processor as on a card. Eight sizes, of which `depth` count.
#include "kernel.hpp"

namespace {

using Size = std::int64_t;

}  // namespace

extern "C" {

Size scatter_workspace(Size count, Size depth, Size a, Size b, Size c, Size d, Size e, Size f, Size g, Size h,
                       Size slice_bytes) {
  farm::Scatter const how = {count, static_cast<int>(depth), {a, b, c, d, e, f, g, h}, slice_bytes};
  return static_cast<Size>(farm::scatter_nd_workspace_bytes(how));
}

cudaError_t scatter(Size count, Size depth, Size a, Size b, Size c, Size d, Size e, Size f, Size g, Size h,
                    Size slice_bytes, void const* data, std::int32_t const* indices, void const* updates, void* output,
                    void* workspace, cudaStream_t stream) {
  farm::Scatter const how = {count, static_cast<int>(depth), {a, b, c, d, e, f, g, h}, slice_bytes};
  return farm::scatter_nd(how, data, indices, updates, output, workspace, stream);
}

// Over a copy of the data that is made before, so that the kernel has nothing to copy.
cudaError_t scatter_in_place(Size count, Size depth, Size a, Size b, Size c, Size d, Size e, Size f, Size g, Size h,
                             Size slice_bytes, void const* data, Size data_bytes, std::int32_t const* indices,
                             void const* updates, void* output, void* workspace, cudaStream_t stream) {
  cudaError_t const status = cudaMemcpyAsync(output, data, data_bytes, cudaMemcpyDeviceToDevice, stream);
  if (status != cudaSuccess) {
    return status;
  }
  farm::Scatter const how = {count, static_cast<int>(depth), {a, b, c, d, e, f, g, h}, slice_bytes};
  return farm::scatter_nd(how, output, indices, updates, output, workspace, stream);
}
}
