// How factors are stored for the multipliers, and the powers of two that bring them into the range
// of float16.
#pragma once

#include <cuda_fp16.h>

#include <cstdint>

#include "common/deform_conv/plan.hpp"
#include "common/deform_conv/tensor_core.cuh"

namespace farm {
namespace deform_conv_detail {

// kPlain: as they are. kRounded: rounded to TF32. kPairs: float32 as the sum of two float16, 22
// bits; of 16 factors the first parts in 32 bytes, then the rests.
enum class Form { kPlain, kRounded, kPairs };

// 16 bytes that are loaded and stored at once.
template <typename T>
struct alignas(kVectorBytes) Vector {
  T items[kVectorBytes / sizeof(T)];
};

struct alignas(8) FourHalves {
  __half items[4];
};

constexpr unsigned kOne = 0x3F800000u;

// The bits of |value|, which order as the values do; nothing for what is not a finite number, which
// no factor brings into a range.
__device__ inline unsigned magnitude(float value) {
  const unsigned bits = __float_as_uint(value) & 0x7FFFFFFFu;
  return bits < 0x7F800000u ? bits : 0u;
}
__device__ inline unsigned magnitude(__half value) { return magnitude(__half2float(value)); }

__device__ inline unsigned largest_of_warp(unsigned largest) {
#pragma unroll
  for (int distance = 16; distance > 0; distance /= 2)
    largest = max(largest, __shfl_xor_sync(0xFFFFFFFFu, largest, distance));
  return largest;
}

// The exponent of the power of two that brings products of two such magnitudes below 2^15, and the
// largest of them above 2^12.
__device__ inline int exponent_for(unsigned first, unsigned second) {
  const int wanted = 13 + 2 * 127 - static_cast<int>(first >> 23) - static_cast<int>(second >> 23);
  return max(-126, min(126, wanted));
}

__device__ inline float power_of_two(int exponent) {
  return __uint_as_float(static_cast<unsigned>(exponent + 127) << 23);
}

// value * 2^-exponent, for exponents to twice 126.
__device__ inline float unscaled(float value, int exponent) {
  const int half = exponent / 2;
  return value * power_of_two(-half) * power_of_two(half - exponent);
}

// What a row takes of the vector of that number, multiplied with 2^exponent where it becomes pairs.
// `place(vector)` is where the row has that vector.
template <Form kForm, typename T, typename Place>
__device__ void store(const Place& place, int vector, int exponent, Vector<T> made) {
  if constexpr (kForm == Form::kPairs) {
    const float factor = power_of_two(exponent);
    FourHalves whole, rest;
#pragma unroll
    for (int item = 0; item < 4; ++item) {
      const float value = made.items[item] * factor;
      whole.items[item] = __float2half_rn(value);
      rest.items[item] = __float2half_rn(value - __half2float(whole.items[item]));
    }
    reinterpret_cast<FourHalves*>(place(vector / 2))[vector % 2] = whole;
    reinterpret_cast<FourHalves*>(place(vector / 2 + 2))[vector % 2] = rest;
  } else {
    if constexpr (kForm == Form::kRounded) {
#pragma unroll
      for (T& item : made.items) item = rounded_to_tf32(item);
    }
    *reinterpret_cast<Vector<T>*>(place(vector)) = made;
  }
}

}  // namespace deform_conv_detail
}  // namespace farm
