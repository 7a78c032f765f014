// Neighbouring elements that are loaded and stored together, also where a row begins or ends.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace farm {

// What an element is counted with: halves as floats, which hold each of them exactly.
template <typename T>
using Wide = std::conditional_t<std::is_same_v<T, std::int32_t>, std::int32_t, float>;

__device__ __forceinline__ float wide(float value) { return value; }
__device__ __forceinline__ float wide(__half value) { return __half2float(value); }
__device__ __forceinline__ std::int32_t wide(std::int32_t value) { return value; }

template <typename T>
__device__ __forceinline__ T narrow(Wide<T> value) {
  if constexpr (std::is_same_v<T, __half>) {
    return __float2half_rn(value);
  } else {
    return value;
  }
}

template <typename T, int kCount>
struct alignas(sizeof(T) * kCount) Pack {
  T item[kCount];
};

// The word of the hardware that is as long as a pack.
template <int kBytes>
struct Word;
template <>
struct Word<2> {
  using type = unsigned short;
};
template <>
struct Word<4> {
  using type = unsigned;
};
template <>
struct Word<8> {
  using type = uint2;
};
template <>
struct Word<16> {
  using type = uint4;
};

// Elements `begin` to `end` of the pack at `from`; others are not touched and read as zero.
template <typename T, int kCount>
__device__ __forceinline__ Pack<T, kCount> load_pack(T const* from, int begin, int end) {
  if (begin <= 0 && end >= kCount) {
    return *reinterpret_cast<Pack<T, kCount> const*>(from);
  }
  Pack<T, kCount> pack;
#pragma unroll
  for (int k = 0; k < kCount; ++k) {
    pack.item[k] = k >= begin && k < end ? from[k] : narrow<T>(Wide<T>{});
  }
  return pack;
}

// The same for stores. A whole pack goes by a named instruction: the compiler would find the same
// elements stored in both branches and make single ones of them. What is written is the first to
// leave the second cache, which what is read twice needs more.
template <typename T, int kCount>
__device__ __forceinline__ void store_pack(T* to, int begin, int end,
                                           Pack<T, kCount> const& pack) {
  if (begin <= 0 && end >= kCount) {
    using Whole = typename Word<sizeof(pack)>::type;
    Whole whole;
    memcpy(&whole, &pack, sizeof whole);
    __stcs(reinterpret_cast<Whole*>(to), whole);
    return;
  }
#pragma unroll
  for (int k = 0; k < kCount; ++k) {
    if (k >= begin && k < end) {
      to[k] = pack.item[k];
    }
  }
}

}  // namespace farm
