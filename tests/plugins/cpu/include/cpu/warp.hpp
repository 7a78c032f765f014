// Barriers, shuffles and votes. The place of each call is taken where it stands in the kernel.
#pragma once

#include <cstring>

#include "cpu/block.hpp"

#define FARM_CPU_HERE \
  char const *file = __builtin_FILE(), int line = __builtin_LINE()

inline void __syncthreads(FARM_CPU_HERE) { farm::cpu::barrier(false, {file, line}); }
inline int __syncthreads_count(int predicate, FARM_CPU_HERE) {
  return farm::cpu::barrier(predicate != 0, {file, line}).nonzero;
}
inline int __syncthreads_or(int predicate, FARM_CPU_HERE) {
  return farm::cpu::barrier(predicate != 0, {file, line}).nonzero != 0;
}
inline int __syncthreads_and(int predicate, FARM_CPU_HERE) {
  return farm::cpu::barrier(predicate != 0, {file, line}).all;
}
inline void __syncwarp(unsigned mask = 0xFFFFFFFFu, FARM_CPU_HERE) { farm::cpu::meet(mask, 0, {file, line}); }

namespace farm::cpu {

template <typename T>
std::uint64_t packed(T value) {
  static_assert(sizeof(T) <= sizeof(std::uint64_t));
  std::uint64_t word = 0;
  std::memcpy(&word, &value, sizeof value);
  return word;
}

template <typename T>
T unpacked(std::uint64_t word) {
  T value;
  std::memcpy(&value, &word, sizeof value);
  return value;
}

// What CUDA leaves undefined, a value from a lane that is not in the mask, is refused here.
template <typename T>
T shuffle(unsigned mask, T value, unsigned source, Where where) {
  Brought const& brought = meet(mask, packed(value), where);
  if (!(mask >> source & 1u)) {
    misuse(where, "lane %u takes a value from lane %u, which is not in mask %08x", lane(), source, mask);
  }
  return unpacked<T>(brought.value[source]);
}

template <typename T, typename Combine>
T reduce(unsigned mask, T value, Where where, Combine combine) {
  Brought const& brought = meet(mask, packed(value), where);
  bool first = true;
  T all{};
  for (unsigned i = 0; i < kWarpSize; ++i) {
    if (mask >> i & 1u) {
      T const one = unpacked<T>(brought.value[i]);
      all = first ? one : combine(all, one);
      first = false;
    }
  }
  return all;
}

}  // namespace farm::cpu

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32, FARM_CPU_HERE) {
  unsigned const base = farm::cpu::lane() & ~static_cast<unsigned>(width - 1);
  return farm::cpu::shuffle(mask, value, base | (static_cast<unsigned>(source) & (width - 1)), {file, line});
}

template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, FARM_CPU_HERE) {
  unsigned const place = farm::cpu::lane() & static_cast<unsigned>(width - 1);
  return farm::cpu::shuffle(mask, value, farm::cpu::lane() - (place >= delta ? delta : 0), {file, line});
}

template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, FARM_CPU_HERE) {
  unsigned const place = farm::cpu::lane() & static_cast<unsigned>(width - 1);
  bool const inside = place + delta < static_cast<unsigned>(width);
  return farm::cpu::shuffle(mask, value, farm::cpu::lane() + (inside ? delta : 0), {file, line});
}

template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, FARM_CPU_HERE) {
  unsigned const other = farm::cpu::lane() ^ static_cast<unsigned>(bits);
  // A later group is out of reach; an earlier one is not.
  bool const reached = other < (farm::cpu::lane() & ~static_cast<unsigned>(width - 1)) + width;
  return farm::cpu::shuffle(mask, value, reached ? other : farm::cpu::lane(), {file, line});
}

inline unsigned __ballot_sync(unsigned mask, int predicate, FARM_CPU_HERE) {
  farm::cpu::Brought const& brought = farm::cpu::meet(mask, predicate != 0, {file, line});
  unsigned votes = 0;
  for (unsigned i = 0; i < farm::cpu::kWarpSize; ++i) {
    votes |= (mask >> i & 1u) != 0 && brought.value[i] != 0 ? 1u << i : 0u;
  }
  return votes;
}
inline int __any_sync(unsigned mask, int predicate, FARM_CPU_HERE) {
  return __ballot_sync(mask, predicate, file, line) != 0;
}
inline int __all_sync(unsigned mask, int predicate, FARM_CPU_HERE) {
  return __ballot_sync(mask, predicate, file, line) == mask;
}

template <typename T>
T __reduce_add_sync(unsigned mask, T value, FARM_CPU_HERE) {
  return farm::cpu::reduce(mask, value, {file, line}, [](T a, T b) { return static_cast<T>(a + b); });
}
template <typename T>
T __reduce_max_sync(unsigned mask, T value, FARM_CPU_HERE) {
  return farm::cpu::reduce(mask, value, {file, line}, [](T a, T b) { return a < b ? b : a; });
}
template <typename T>
T __reduce_min_sync(unsigned mask, T value, FARM_CPU_HERE) {
  return farm::cpu::reduce(mask, value, {file, line}, [](T a, T b) { return b < a ? b : a; });
}

#undef FARM_CPU_HERE
