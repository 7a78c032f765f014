// Functions of numbers that CUDA has and C++ has not, or has elsewhere.
#pragma once

#include <math.h>

#include <climits>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

template <typename A, typename B, typename = std::enable_if_t<std::is_arithmetic_v<A> && std::is_arithmetic_v<B>>>
std::common_type_t<A, B> min(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<T>) {
    return std::fmin(static_cast<T>(a), static_cast<T>(b));
  } else {
    return static_cast<T>(b) < static_cast<T>(a) ? static_cast<T>(b) : static_cast<T>(a);
  }
}
template <typename A, typename B, typename = std::enable_if_t<std::is_arithmetic_v<A> && std::is_arithmetic_v<B>>>
std::common_type_t<A, B> max(A a, B b) {
  using T = std::common_type_t<A, B>;
  if constexpr (std::is_floating_point_v<T>) {
    return std::fmax(static_cast<T>(a), static_cast<T>(b));
  } else {
    return static_cast<T>(a) < static_cast<T>(b) ? static_cast<T>(b) : static_cast<T>(a);
  }
}

inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fsub_rn(float a, float b) { return a - b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fdiv_rn(float a, float b) { return a / b; }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float a) { return 1.0f / a; }
inline float __fsqrt_rn(float a) { return std::sqrt(a); }
inline float __frsqrt_rn(float a) { return 1.0f / std::sqrt(a); }
inline float __expf(float a) { return std::exp(a); }
inline float __saturatef(float a) { return a > 0.0f ? (a < 1.0f ? a : 1.0f) : 0.0f; }

namespace farm::cpu {
// As the hardware converts: what does not fit becomes the nearest that does, NaN becomes zero.
inline int saturated(float whole) {
  if (whole != whole) return 0;
  if (whole >= 2147483648.0f) return INT_MAX;
  return whole < -2147483648.0f ? INT_MIN : static_cast<int>(whole);
}
template <typename To, typename From>
To bits(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}
}  // namespace farm::cpu

inline int __float2int_rd(float a) { return farm::cpu::saturated(std::floor(a)); }
inline int __float2int_ru(float a) { return farm::cpu::saturated(std::ceil(a)); }
inline int __float2int_rn(float a) { return farm::cpu::saturated(std::nearbyint(a)); }
inline int __float2int_rz(float a) { return farm::cpu::saturated(std::trunc(a)); }
inline float __int2float_rn(int a) { return static_cast<float>(a); }
inline float __uint2float_rn(unsigned a) { return static_cast<float>(a); }
inline int __float_as_int(float a) { return farm::cpu::bits<int>(a); }
inline unsigned __float_as_uint(float a) { return farm::cpu::bits<unsigned>(a); }
inline float __int_as_float(int a) { return farm::cpu::bits<float>(a); }
inline float __uint_as_float(unsigned a) { return farm::cpu::bits<float>(a); }
inline long long __double_as_longlong(double a) { return farm::cpu::bits<long long>(a); }
inline double __longlong_as_double(long long a) { return farm::cpu::bits<double>(a); }

// Each byte of the result is one of the eight of b and a, by four bits of the selector, of which three count.
inline unsigned __byte_perm(unsigned a, unsigned b, unsigned selector) {
  unsigned long long const bytes = static_cast<unsigned long long>(b) << 32 | a;
  unsigned chosen = 0;
  for (int byte = 0; byte < 4; ++byte) {
    chosen |= static_cast<unsigned>(bytes >> (selector >> 4 * byte & 7) * 8 & 0xFF) << 8 * byte;
  }
  return chosen;
}
inline int __popc(unsigned a) { return __builtin_popcount(a); }
inline int __popcll(unsigned long long a) { return __builtin_popcountll(a); }
inline int __clz(int a) { return a == 0 ? 32 : __builtin_clz(static_cast<unsigned>(a)); }
inline int __clzll(long long a) { return a == 0 ? 64 : __builtin_clzll(static_cast<unsigned long long>(a)); }
inline int __ffs(int a) { return __builtin_ffs(a); }
inline int __ffsll(long long a) { return __builtin_ffsll(a); }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(std::uint64_t{a} * b >> 32);
}
inline unsigned __brev(unsigned a) {
  unsigned reversed = 0;
  for (int i = 0; i < 32; ++i) reversed |= (a >> i & 1u) << (31 - i);
  return reversed;
}
