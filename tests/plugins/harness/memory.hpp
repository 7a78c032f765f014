// Memory of the card, or of the processor that plays one.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>

namespace farm::harness {

// Copies between the two, whichever each is of, after all that was launched. Throws
// std::runtime_error where it fails.
inline void copy(void* to, const void* from, std::size_t bytes) {
#ifdef FARM_ON_CPU
  if (bytes > 0) std::memcpy(to, from, bytes);
#else
  const cudaError_t done = cudaMemcpy(to, from, bytes, cudaMemcpyDefault);
  if (done != cudaSuccess) throw std::runtime_error(cudaGetErrorString(done));
#endif
}

// The bytes at a place of either memory.
inline std::string content(const void* from, std::size_t bytes) {
  std::string found(bytes, '\0');
  copy(found.data(), from, bytes);
  return found;
}

// Memory as TensorRT gives it to a plugin, with the content of another.
class Buffer {
 public:
  Buffer(const void* from, std::size_t bytes) {
    constexpr std::size_t kAlignment = 256;
#ifdef FARM_ON_CPU
    data_ = std::aligned_alloc(kAlignment, (bytes / kAlignment + 1) * kAlignment);
#else
    if (cudaMalloc(&data_, bytes + kAlignment) != cudaSuccess) data_ = nullptr;
#endif
    if (data_ == nullptr) throw std::runtime_error("there is no memory for an output");
    copy(data_, from, bytes);
  }
  ~Buffer() {
#ifdef FARM_ON_CPU
    std::free(data_);
#else
    cudaFree(data_);
#endif
  }
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;

  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

}  // namespace farm::harness
