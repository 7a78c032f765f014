// Mean and variance of parts, joined without ever subtracting large sums from each other.
#pragma once

#include <cuda_runtime.h>

namespace farm::planes {

struct Moments {
  float count;
  float mean;
  float squares;  // of distances from the mean, summed
};

__device__ __forceinline__ Moments no_moments() { return {0.0f, 0.0f, 0.0f}; }

__device__ __forceinline__ Moments merged(Moments a, Moments b) {
  float const count = a.count + b.count;
  if (count == 0.0f) {
    return a;
  }
  float const share = __fdividef(b.count, count);
  float const apart = b.mean - a.mean;
  return {count, a.mean + apart * share, a.squares + b.squares + apart * apart * (a.count * share)};
}

// Of `count` values, those from `begin` to `end`.
template <int kCount>
__device__ __forceinline__ Moments moments_of(float const (&values)[kCount], int begin, int end) {
  float sum = 0.0f;
  float number = 0.0f;
#pragma unroll
  for (int k = 0; k < kCount; ++k) {
    bool const counts = k >= begin && k < end;
    sum += counts ? values[k] : 0.0f;
    number += counts ? 1.0f : 0.0f;
  }
  float const mean = number == 0.0f ? 0.0f : __fdividef(sum, number);
  float squares = 0.0f;
#pragma unroll
  for (int k = 0; k < kCount; ++k) {
    float const apart = k >= begin && k < end ? values[k] - mean : 0.0f;
    squares += apart * apart;
  }
  return {number, mean, squares};
}

// Of `width` neighbouring lanes (a power of two); each of them gets it.
__device__ __forceinline__ Moments of_lanes(Moments own, int width) {
  constexpr unsigned kAll = 0xFFFFFFFFu;
  for (int distance = width / 2; distance > 0; distance /= 2) {
    Moments const other = {__shfl_xor_sync(kAll, own.count, distance),
                           __shfl_xor_sync(kAll, own.mean, distance),
                           __shfl_xor_sync(kAll, own.squares, distance)};
    // The same order in both lanes, so that both get the same bits.
    bool const upper = (threadIdx.x & static_cast<unsigned>(distance)) != 0;
    own = upper ? merged(other, own) : merged(own, other);
  }
  return own;
}

// Over `width` neighbouring lanes (a power of two); each of them gets the same bits.
__device__ __forceinline__ float sum_of_lanes(float own, int width) {
  for (int distance = width / 2; distance > 0; distance /= 2) {
    own += __shfl_xor_sync(0xFFFFFFFFu, own, distance);
  }
  return own;
}

// Of a block of whole warps, at most 1,024 threads; each gets it. 384 bytes of shared memory.
__device__ __forceinline__ Moments of_block(Moments own) {
  __shared__ Moments of_warps[32];
  int const warps = static_cast<int>(blockDim.x) / 32;
  int const lane = static_cast<int>(threadIdx.x) % 32;
  own = of_lanes(own, 32);
  if (lane == 0) {
    of_warps[threadIdx.x / 32] = own;
  }
  __syncthreads();
  return of_lanes(lane < warps ? of_warps[lane] : no_moments(), 32);
}

}  // namespace farm::planes
