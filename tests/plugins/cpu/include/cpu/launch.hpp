// The calls of the CUDA runtime that launchers make.
#pragma once

#include <cstring>
#include <tuple>
#include <utility>

#include "cpu/types.hpp"

namespace farm::cpu {

struct Grid {
  dim3 grid;
  dim3 block;
  std::size_t shared_bytes;
};

// Runs `body` once for each thread of each block.
void play(Grid const& grid, void (*body)(void*), void* arguments);

template <typename... Parameters>
struct Call {
  void (*kernel)(Parameters...);
  void** arguments;

  static void body(void* self) {
    auto& call = *static_cast<Call*>(self);
    call.invoke(std::index_sequence_for<Parameters...>{});
  }

  template <std::size_t... Index>
  void invoke(std::index_sequence<Index...>) {
    kernel(*static_cast<Parameters*>(arguments[Index])...);
  }
};

// The smallest of the cards here: Turing gives 64 KiB to a block that asks.
constexpr int kSharedBytesOptin = 64 * 1024;
constexpr int kMultiprocessors = 4;
// So that what needs tensor cores is played, too.
constexpr int kCapability = 80;
// Less than any card has, so that a small input is already too large for it.
constexpr int kCacheBytes = 512 * 1024;

}  // namespace farm::cpu

enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
enum cudaDeviceAttr {
  cudaDevAttrMaxSharedMemoryPerBlock = 8,
  cudaDevAttrMultiProcessorCount = 16,
  cudaDevAttrL2CacheSize = 38,
  cudaDevAttrComputeCapabilityMajor = 75,
  cudaDevAttrComputeCapabilityMinor = 76,
  cudaDevAttrMaxSharedMemoryPerMultiprocessor = 81,
  cudaDevAttrMaxSharedMemoryPerBlockOptin = 97,
};
enum cudaMemcpyKind { cudaMemcpyDeviceToDevice = 3 };

template <typename... Parameters>
cudaError_t cudaLaunchKernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, void** arguments,
                             std::size_t shared_bytes = 0, cudaStream_t = nullptr) {
  bool const grid_fits = grid.x - 1 < 0x7FFFFFFFu && grid.y - 1 < 65535u && grid.z - 1 < 65535u;
  bool const block_fits = block.x - 1 < 1024u && block.y - 1 < 1024u && block.z - 1 < 64u &&
                          std::size_t{block.x} * block.y * block.z <= 1024;
  if (!grid_fits || !block_fits || shared_bytes > static_cast<std::size_t>(farm::cpu::kSharedBytesOptin)) {
    return cudaErrorInvalidConfiguration;
  }
  farm::cpu::Call<Parameters...> call{kernel, arguments};
  farm::cpu::play({grid, block, shared_bytes}, farm::cpu::Call<Parameters...>::body, &call);
  return cudaSuccess;
}

template <typename... Parameters>
cudaError_t cudaFuncSetAttribute(void (*)(Parameters...), cudaFuncAttribute, int value) {
  return value <= farm::cpu::kSharedBytesOptin ? cudaSuccess : cudaErrorInvalidValue;
}

inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attribute, int) {
  switch (attribute) {
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = 48 * 1024; return cudaSuccess;
    case cudaDevAttrMultiProcessorCount: *value = farm::cpu::kMultiprocessors; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMajor: *value = farm::cpu::kCapability / 10; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor: *value = farm::cpu::kCapability % 10; return cudaSuccess;
    case cudaDevAttrL2CacheSize: *value = farm::cpu::kCacheBytes; return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerMultiprocessor:
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = farm::cpu::kSharedBytesOptin; return cudaSuccess;
  }
  return cudaErrorInvalidValue;
}

inline cudaError_t cudaMemcpyAsync(void* to, void const* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t) {
  if (bytes > 0) std::memcpy(to, from, bytes);
  return cudaSuccess;
}

inline cudaError_t cudaMemsetAsync(void* to, int value, std::size_t bytes, cudaStream_t) {
  if (bytes > 0) std::memset(to, value, bytes);
  return cudaSuccess;
}

inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline cudaError_t cudaPeekAtLastError() { return cudaSuccess; }
