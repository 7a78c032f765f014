// CUDA's words and types, as far as the kernels here use them.
#pragma once

#include <cstddef>
#include <cstdint>

#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))
// A variable of the machine thread that plays a block. In a function it is static by that alone.
#define __shared__ thread_local

// Vectors as CUDA aligns them, so that the sanitizer sees a load that is not aligned.
#define FARM_CPU_VECTORS(name, type, align2, align4) \
  struct name##1 { type x; }; \
  struct alignas(align2) name##2 { type x, y; }; \
  struct name##3 { type x, y, z; }; \
  struct alignas(align4) name##4 { type x, y, z, w; }; \
  inline name##1 make_##name##1(type x) { return {x}; } \
  inline name##2 make_##name##2(type x, type y) { return {x, y}; } \
  inline name##3 make_##name##3(type x, type y, type z) { return {x, y, z}; } \
  inline name##4 make_##name##4(type x, type y, type z, type w) { return {x, y, z, w}; }
FARM_CPU_VECTORS(char, signed char, 2, 4)
FARM_CPU_VECTORS(uchar, unsigned char, 2, 4)
FARM_CPU_VECTORS(short, short, 4, 8)
FARM_CPU_VECTORS(ushort, unsigned short, 4, 8)
FARM_CPU_VECTORS(int, int, 8, 16)
FARM_CPU_VECTORS(uint, unsigned, 8, 16)
FARM_CPU_VECTORS(longlong, long long, 16, 16)
FARM_CPU_VECTORS(ulonglong, unsigned long long, 16, 16)
FARM_CPU_VECTORS(float, float, 8, 16)
FARM_CPU_VECTORS(double, double, 16, 16)
#undef FARM_CPU_VECTORS

struct dim3 {
  unsigned x, y, z;
  constexpr dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

extern __thread uint3 threadIdx;
extern __thread uint3 blockIdx;
extern __thread dim3 blockDim;
extern __thread dim3 gridDim;
constexpr int warpSize = 32;

enum cudaError_t : int {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorInvalidConfiguration = 9,
};
using cudaError = cudaError_t;
struct CUstream_st;
using cudaStream_t = CUstream_st*;
