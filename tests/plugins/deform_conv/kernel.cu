// Tiles of deformable convolutions in ways that other cards take, by one block or by several.
#include "binding.hpp"
#include "common/deform_conv/launch.cuh"

namespace farm_test {

using namespace farm::deform_conv_detail;

// As on cards before SM 8.0.
struct Turing {
  template <typename Shape>
  using Multiplier = WmmaMultiplier<Shape>;
};
struct PlainFloat {
  template <typename Shape>
  using Multiplier = FloatUnits<Shape>;
};

template <typename Way, typename T>
cudaError_t run_in(int blocks, const farm::DeformConvSize& size,
                   const farm::DeformConvTensors<T>& tensors, void* workspace,
                   cudaStream_t stream) {
  TileArguments<T> arguments{};
  arguments.tensors = tensors;
  arguments.size = size;
  arguments.plan = plan_of(size, sizeof(T));
  const cudaError_t status = pack<Way>(arguments, workspace, stream);
  if (status != cudaSuccess) return status;
  return launch_tiles<Way, TileShape<64>>(
      arguments, std::min(blocks, arguments.plan.portions()), stream);
}

template <typename T>
cudaError_t run_of(const farm::DeformConvSize& size, const farm::DeformConvTensors<T>& tensors,
                   bool tf32, void* workspace, cudaStream_t stream) {
  using Way = std::conditional_t<std::is_same_v<T, float>, Rounded, Half>;
  return run_in<Way>(tf32 ? 1 : 2, size, tensors, workspace, stream);
}

std::size_t workspace_of(const farm::DeformConvSize& size, std::size_t element_bytes) {
  return workspace_bytes(size, element_bytes);
}

}  // namespace farm_test

extern "C" {

cudaError_t run_way(const farm_test::Numbers* numbers, const void* x, const void* offset,
                    const void* mask, const void* weight, const void* bias, void* y,
                    std::int64_t way, std::int64_t blocks, void* workspace, cudaStream_t stream) {
  using namespace farm_test;
  const farm::DeformConvSize size = numbers->size();
  const auto shared_by = static_cast<int>(blocks);
  const auto floats = tensors_of<float>(x, offset, mask, weight, bias, y);
  const auto halves = tensors_of<__half>(x, offset, mask, weight, bias, y);
  switch (way) {
    case 0:
      return run_in<Half>(shared_by, size, halves, workspace, stream);
    case 1:
      return run_in<Turing>(shared_by, size, halves, workspace, stream);
    case 2:
      return run_in<Rounded>(shared_by, size, floats, workspace, stream);
    case 3:
      return run_in<Exact>(shared_by, size, floats, workspace, stream);
    case 4:
      return run_in<PlainFloat>(shared_by, size, floats, workspace, stream);
  }
  return cudaErrorInvalidValue;
}
}
