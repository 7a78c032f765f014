// Pointers that a kernel adds to again and again.
#pragma once

#include <cuda_runtime.h>

namespace farm {

// Keeps a pointer as it is in registers: from its parts, nvcc computes it again for each load. What
// is behind it must be read by `__ldg`, since nvcc no longer knows where it came from.
template <typename T>
__device__ __forceinline__ const T* as_it_is(const T* pointer) {
#ifndef FARM_ON_CPU
  asm("" : "+l"(pointer));
#endif
  return pointer;
}

}  // namespace farm
