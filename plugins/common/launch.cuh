// How every kernel here is launched: on a stream, and with the error of this launch.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <tuple>
#include <utility>

namespace farm {

// The shape of a launch. `shared_bytes` is dynamic shared memory; it may pass the 48 KiB that need
// no permission. Without defaults, so that the compiler names a launch that forgets its stream.
struct Launch {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes;
  cudaStream_t stream;
};

// Blocks that cover `count` elements, `per_block` each; none for none.
template <typename Count>
constexpr Count ceil_div(Count count, Count per_block) {
  return count / per_block + (count % per_block != 0);
}

// For `__launch_bounds__`: the blocks that are wanted on a multiprocessor, or those that it has
// room for where these are fewer. An A100 has more room than is said here, as its whole generation
// is compiled in one.
constexpr int fitting(int blocks, int threads) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ == 750
  constexpr int kRoom = 1024;
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ >= 900 && __CUDA_ARCH__ <= 1000
  constexpr int kRoom = 2048;
#else
  constexpr int kRoom = 1536;
#endif
  return blocks * threads <= kRoom ? blocks : kRoom / threads;
}

namespace launch_detail {

constexpr std::size_t kFreeSharedBytes = 48 * 1024;

template <typename... Parameters, std::size_t... Index>
cudaError_t with_pointers(void (*kernel)(Parameters...), Launch const& launch,
                          std::tuple<Parameters...>& values, std::index_sequence<Index...>) {
  // One more than there are, since an array of none is not C++.
  void* pointers[] = {static_cast<void*>(&std::get<Index>(values))..., nullptr};
#ifdef FARM_ON_CPU
  auto* const function = kernel;
#else
  // CUDA 11 has no overload for a pointer to a function.
  auto* const function = reinterpret_cast<void const*>(kernel);
#endif
  return cudaLaunchKernel(function, launch.grid, launch.block, pointers, launch.shared_bytes,
                          launch.stream);
}

}  // namespace launch_detail

// Launches `kernel` with arguments that convert to its parameters; an empty grid or block is no
// launch and no error. The returned error is what CUDA says of this very call: the last error of
// the thread is neither read nor cleared, so that what an earlier launch left there is not taken
// for ours and stays for whom it concerns.
template <typename... Parameters, typename... Arguments>
cudaError_t launch(void (*kernel)(Parameters...), Launch const& launch, Arguments&&... arguments) {
  static_assert(sizeof...(Parameters) == sizeof...(Arguments), "a kernel takes all its arguments");
  if (launch.grid.x == 0 || launch.grid.y == 0 || launch.grid.z == 0 || launch.block.x == 0 ||
      launch.block.y == 0 || launch.block.z == 0) {
    return cudaSuccess;
  }
  if (launch.shared_bytes > launch_detail::kFreeSharedBytes) {
    cudaError_t const status =
        cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                             static_cast<int>(launch.shared_bytes));
    if (status != cudaSuccess) {
      return status;
    }
  }
  std::tuple<Parameters...> values(std::forward<Arguments>(arguments)...);
  return launch_detail::with_pointers(kernel, launch, values,
                                      std::index_sequence_for<Parameters...>{});
}

}  // namespace farm
