// What tests call of ms_deform_attn: pointers, whole numbers, and a CUDA error.
#include "kernel.hpp"

namespace {

template <typename T>
int run(const std::int64_t* n, const void* value, const std::int32_t* sizes,
        const std::int32_t* starts, const void* places, const void* shares, void* y,
        cudaStream_t stream) {
  const farm::MsDeformAttnSize size{
      n[0], n[1], n[2], n[3], n[4], static_cast<int>(n[5]), static_cast<int>(n[6])};
  const farm::MsDeformAttnTensors<T> tensors{static_cast<const T*>(value),
                                             sizes,
                                             starts,
                                             static_cast<const T*>(places),
                                             static_cast<const T*>(shares),
                                             static_cast<T*>(y)};
  return farm::ms_deform_attn(size, tensors, stream);
}

}  // namespace

extern "C" int run_float(const std::int64_t* n, const void* value, const std::int32_t* sizes,
                         const std::int32_t* starts, const void* places, const void* shares,
                         void* y, cudaStream_t stream) {
  return run<float>(n, value, sizes, starts, places, shares, y, stream);
}

extern "C" int run_half(const std::int64_t* n, const void* value, const std::int32_t* sizes,
                        const std::int32_t* starts, const void* places, const void* shares, void* y,
                        cudaStream_t stream) {
  return run<__half>(n, value, sizes, starts, places, shares, y, stream);
}
