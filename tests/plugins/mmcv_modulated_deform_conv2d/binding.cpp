// What tests call of mmcv_modulated_deform_conv2d, on a processor as on a card.
#include "../deform_conv/binding.hpp"

#include "kernel.hpp"

extern "C" std::int64_t workspace_bytes(std::int64_t images, std::int64_t channels,
                                        std::int64_t height, std::int64_t width,
                                        std::int64_t out_channels, std::int64_t out_height,
                                        std::int64_t out_width, std::int64_t kernel_h,
                                        std::int64_t kernel_w, std::int64_t stride_h,
                                        std::int64_t stride_w, std::int64_t padding_h,
                                        std::int64_t padding_w, std::int64_t dilation_h,
                                        std::int64_t dilation_w, std::int64_t groups,
                                        std::int64_t deform_groups, std::int64_t element_bytes) {
  const farm_test::Numbers numbers{
      images,
      channels,
      height,
      width,
      out_channels,
      out_height,
      out_width,
      {kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w},
      groups,
      deform_groups};
  return static_cast<std::int64_t>(farm::mmcv_modulated_deform_conv2d_workspace(
      numbers.size(), static_cast<std::size_t>(element_bytes)));
}

extern "C" int run_float(std::int64_t images, std::int64_t channels, std::int64_t height,
                         std::int64_t width, std::int64_t out_channels, std::int64_t out_height,
                         std::int64_t out_width, std::int64_t kernel_h, std::int64_t kernel_w,
                         std::int64_t stride_h, std::int64_t stride_w, std::int64_t padding_h,
                         std::int64_t padding_w, std::int64_t dilation_h, std::int64_t dilation_w,
                         std::int64_t groups, std::int64_t deform_groups, const void* x,
                         const void* offset, const void* mask, const void* weight, const void* bias,
                         void* y, std::int64_t tf32, void* workspace, cudaStream_t stream) {
  const farm_test::Numbers numbers{
      images,
      channels,
      height,
      width,
      out_channels,
      out_height,
      out_width,
      {kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w},
      groups,
      deform_groups};
  const auto tensors = farm_test::tensors_of<float>(x, offset, mask, weight, bias, y);
  return farm::mmcv_modulated_deform_conv2d(numbers.size(), tensors, tf32 != 0, workspace, stream);
}

extern "C" int run_half(std::int64_t images, std::int64_t channels, std::int64_t height,
                        std::int64_t width, std::int64_t out_channels, std::int64_t out_height,
                        std::int64_t out_width, std::int64_t kernel_h, std::int64_t kernel_w,
                        std::int64_t stride_h, std::int64_t stride_w, std::int64_t padding_h,
                        std::int64_t padding_w, std::int64_t dilation_h, std::int64_t dilation_w,
                        std::int64_t groups, std::int64_t deform_groups, const void* x,
                        const void* offset, const void* mask, const void* weight, const void* bias,
                        void* y, std::int64_t tf32, void* workspace, cudaStream_t stream) {
  const farm_test::Numbers numbers{
      images,
      channels,
      height,
      width,
      out_channels,
      out_height,
      out_width,
      {kernel_h, kernel_w, stride_h, stride_w, padding_h, padding_w, dilation_h, dilation_w},
      groups,
      deform_groups};
  const auto tensors = farm_test::tensors_of<__half>(x, offset, mask, weight, bias, y);
  return farm::mmcv_modulated_deform_conv2d(numbers.size(), tensors, tf32 != 0, workspace, stream);
}
