// Dynamic shared memory of a block, as whatever a kernel keeps there.
#pragma once

#include <cuda_runtime.h>

namespace farm {

// The bytes that the launch asked for, aligned for every type. The same place for every T.
template <typename T>
__device__ __forceinline__ T* dynamic_shared() {
#ifdef FARM_ON_CPU
  return static_cast<T*>(cpu::dynamic_shared_bytes());
#else
  extern __shared__ __align__(32) unsigned char dynamic_shared_bytes[];
  return reinterpret_cast<T*>(dynamic_shared_bytes);
#endif
}

}  // namespace farm
