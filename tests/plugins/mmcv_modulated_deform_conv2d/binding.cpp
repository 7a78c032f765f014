// What tests call of mmcv_modulated_deform_conv2d: pointers, whole numbers, and a CUDA error.
#include "../deform_conv/binding.hpp"

#include "kernel.hpp"

extern "C" std::int64_t workspace_bytes(const std::int64_t* numbers, std::int64_t element_bytes) {
  const std::size_t bytes = farm::mmcv_modulated_deform_conv2d_workspace(
      farm_test::size_of(numbers), static_cast<std::size_t>(element_bytes));
  return static_cast<std::int64_t>(bytes);
}

extern "C" int run_float(const std::int64_t* numbers, const void* x, const void* offset,
                         const void* mask, const void* weight, const void* bias, void* y,
                         std::int64_t tf32, void* workspace, cudaStream_t stream) {
  const auto tensors = farm_test::tensors_of<float>(x, offset, mask, weight, bias, y);
  return farm::mmcv_modulated_deform_conv2d(farm_test::size_of(numbers), tensors, tf32 != 0,
                                            workspace, stream);
}

extern "C" int run_half(const std::int64_t* numbers, const void* x, const void* offset,
                        const void* mask, const void* weight, const void* bias, void* y,
                        std::int64_t tf32, void* workspace, cudaStream_t stream) {
  const auto tensors = farm_test::tensors_of<__half>(x, offset, mask, weight, bias, y);
  return farm::mmcv_modulated_deform_conv2d(farm_test::size_of(numbers), tensors, tf32 != 0,
                                            workspace, stream);
}
