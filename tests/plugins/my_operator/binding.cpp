// What tests call of the kernels that a new plugin begins with.

#include <cstdint>

#include "kernel.hpp"

extern "C" {

cudaError_t my_operator_float32(const float* input, float* output, std::int64_t count,
                                double scale, cudaStream_t stream) {
  return farm::my_operator(input, output, count, static_cast<float>(scale), stream);
}

cudaError_t my_operator_float16(const __half* input, __half* output, std::int64_t count,
                                double scale, cudaStream_t stream) {
  return farm::my_operator(input, output, count, static_cast<float>(scale), stream);
}

}  // extern "C"
