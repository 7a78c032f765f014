// What tests call of ms_deform_attn, on a processor as on a card.
#include "kernel.hpp"

namespace {

template <typename T>
int run(const farm::MsDeformAttnSize& size, const void* value, const std::int32_t* sizes,
        const std::int32_t* starts, const void* places, const void* shares, void* y,
        cudaStream_t stream) {
  const farm::MsDeformAttnTensors<T> tensors{static_cast<const T*>(value),
                                             sizes,
                                             starts,
                                             static_cast<const T*>(places),
                                             static_cast<const T*>(shares),
                                             static_cast<T*>(y)};
  return farm::ms_deform_attn(size, tensors, stream);
}

}  // namespace

extern "C" int run_float(std::int64_t images, std::int64_t pixels, std::int64_t heads,
                         std::int64_t channels, std::int64_t queries, std::int64_t levels,
                         std::int64_t points, const void* value, const std::int32_t* sizes,
                         const std::int32_t* starts, const void* places, const void* shares,
                         void* y, cudaStream_t stream) {
  return run<float>({images, pixels, heads, channels, queries, static_cast<int>(levels),
                     static_cast<int>(points)},
                    value, sizes, starts, places, shares, y, stream);
}

extern "C" int run_half(std::int64_t images, std::int64_t pixels, std::int64_t heads,
                        std::int64_t channels, std::int64_t queries, std::int64_t levels,
                        std::int64_t points, const void* value, const std::int32_t* sizes,
                        const std::int32_t* starts, const void* places, const void* shares, void* y,
                        cudaStream_t stream) {
  return run<__half>({images, pixels, heads, channels, queries, static_cast<int>(levels),
                      static_cast<int>(points)},
                     value, sizes, starts, places, shares, y, stream);
}
