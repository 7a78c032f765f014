// Tiles of deformable convolutions in ways and shapes that other cards take, or larger inputs.
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

// The large tile, with fewer columns, so that it fits into the shared memory of every card.
using StaggeredTile = TileShape<128, 64, 3, 1, true>;

template <typename Way, typename T>
cudaError_t run_in(bool large, const farm::DeformConvSize& size,
                   const farm::DeformConvTensors<T>& tensors, void* workspace,
                   cudaStream_t stream) {
  TileArguments<T> arguments{};
  arguments.tensors = tensors;
  arguments.size = size;
  arguments.plan = plan_of(size, sizeof(T));
  const cudaError_t status = pack<Way>(arguments, workspace, stream);
  if (status != cudaSuccess) return status;
  return large ? launch_tiles<Way, StaggeredTile>(arguments, 1, stream)
               : launch_tiles<Way, SmallTile<64>>(arguments, std::min(2, arguments.plan.portions()),
                                                  stream);
}

template <typename T>
cudaError_t run_of(const farm::DeformConvSize& size, const farm::DeformConvTensors<T>& tensors,
                   bool tf32, void* workspace, cudaStream_t stream) {
  using Way = std::conditional_t<std::is_same_v<T, float>, Rounded, Half>;
  return run_in<Way>(tf32, size, tensors, workspace, stream);
}

std::size_t workspace_of(const farm::DeformConvSize& size, std::size_t element_bytes) {
  return workspace_bytes(size, element_bytes);
}

}  // namespace farm_test

extern "C" {

cudaError_t run_way(const std::int64_t* numbers, const void* x, const void* offset,
                    const void* mask, const void* weight, const void* bias, void* y,
                    std::int64_t way, std::int64_t large, void* workspace, cudaStream_t stream) {
  using namespace farm_test;
  const farm::DeformConvSize size = reinterpret_cast<const Numbers*>(numbers)->size();
#ifdef FARM_ON_CPU
  farm::cpu::shared_bytes_optin = (large != 0 ? 227 : 64) * 1024;
#endif
  const auto floats = tensors_of<float>(x, offset, mask, weight, bias, y);
  const auto halves = tensors_of<__half>(x, offset, mask, weight, bias, y);
  switch (way) {
    case 0:
      return run_in<Half>(large != 0, size, halves, workspace, stream);
    case 1:
      return run_in<Turing>(large != 0, size, halves, workspace, stream);
    case 2:
      return run_in<Rounded>(large != 0, size, floats, workspace, stream);
    case 3:
      return run_in<Exact>(large != 0, size, floats, workspace, stream);
    case 4:
      return run_in<PlainFloat>(large != 0, size, floats, workspace, stream);
  }
  return cudaErrorInvalidValue;
}
}
