// Halves as whole numbers in the order of a running extremum. With the place of an element below
// its rank, the choice between two elements is one maximum, and so is that between two parts.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "order.cuh"

namespace farm::running_extremum {

// Of two neighbours, the first in the lower half of each word.
struct Ranks {
  std::uint32_t ranks;
  std::uint32_t signs;  // one where an element is negative, also for the zero that is
};

constexpr std::uint32_t kOneEach = 0x00010001u;
constexpr std::uint32_t kTopEach = 0x80008000u;
// For __byte_perm: the lower or the upper halves of two words, side by side.
constexpr std::uint32_t kLowerHalves = 0x5410u;
constexpr std::uint32_t kUpperHalves = 0x7632u;

// All bits of a half become its uppermost one.
__device__ __forceinline__ std::uint32_t signs_spread(std::uint32_t halves) {
#ifdef FARM_ON_CPU
  return (halves >> 15 & kOneEach) * 0xFFFFu;
#else
  std::uint32_t spread;
  asm("prmt.b32 %0, %1, 0, 0xBB99;" : "=r"(spread) : "r"(halves));
  return spread;
#endif
}

// 0x8000 more or less the size of the element: both zeros have one rank. NaNs have the greatest.
template <bool kMaximum>
__device__ __forceinline__ Ranks ranks_of(std::uint32_t halves) {
  if constexpr (!kMaximum) {
    halves ^= kTopEach;  // the least is the opposite of the greatest opposite
  }
  std::uint32_t const nans = signs_spread((halves & ~kTopEach) + 0x03FF03FFu);  // beyond 0x7C00
  std::uint32_t const negative = signs_spread(halves);
  std::uint32_t const signs = negative & ~nans & kOneEach;
  return {((halves ^ (negative | kTopEach)) + signs) | nans, signs};
}

// The way back, which is the same but for NaN: all become one.
template <bool kMaximum>
__device__ __forceinline__ std::uint32_t halves_of(Ranks of) {
  std::uint32_t const halves = (of.ranks ^ (of.signs * 0xFFFFu | kTopEach)) + of.signs;
  return kMaximum ? halves : halves ^ kTopEach;
}

// The rank in the upper half; below it twice the place in a tile, counted from one, and the sign.
// Zero: no element.
using Key = std::uint32_t;
constexpr int kMostKeyed = 0x7FFE;  // elements of a tile

// What a tile begins with: a key without a place, which lies before it.
struct Carry {
  Key key;
  std::int32_t place;

  static __device__ __forceinline__ Carry none() { return {0, kNowhere}; }
};

// The keys of two neighbours, the first of which is number `place` of its tile.
template <bool kMaximum>
__device__ __forceinline__ void keys_of(std::uint32_t halves, int place, Key (&keys)[2]) {
  Ranks const of = ranks_of<kMaximum>(halves);
  auto const first = static_cast<std::uint32_t>(place) + 1;
  std::uint32_t const fields = of.signs + first * (2 * kOneEach) + 0x00020000u;
  keys[0] = __byte_perm(fields, of.ranks, kLowerHalves);
  keys[1] = __byte_perm(fields, of.ranks, kUpperHalves);
}

// The elements that two keys stand for.
template <bool kMaximum>
__device__ __forceinline__ std::uint32_t elements_of(Key first, Key second) {
  std::uint32_t const fields = __byte_perm(first, second, kLowerHalves);
  return halves_of<kMaximum>({__byte_perm(first, second, kUpperHalves), fields & kOneEach});
}

// Where the element of a key lies on the axis; `begin` is where the tile begins there.
__device__ __forceinline__ std::int32_t place_of(Key key, std::int32_t begin, Carry const& carry) {
  bool const before = (key & 0xFFFEu) == 0;
  return before ? carry.place : begin - 1 + static_cast<std::int32_t>(key << 16 >> 17);
}

// What the next tile begins with, after this one that began with `carry` and whose best is `total`.
__device__ __forceinline__ Carry carried_on(Carry const& carry, Key total, std::int32_t begin) {
  Key const best = max(carry.key, total);
  return {best & 0xFFFF0001u, place_of(best, begin, carry)};
}

template <bool kMaximum>
__device__ __forceinline__ Best<float> best_of_key(Key key, std::int32_t begin) {
  auto const half = static_cast<unsigned short>(elements_of<kMaximum>(key, 0) & 0xFFFFu);
  return {__half2float(__ushort_as_half(half)), place_of(key, begin, Carry::none())};
}

template <bool kMaximum>
__device__ __forceinline__ Carry carry_of(Best<float> best) {
  if (best.place == kNowhere) {
    return Carry::none();
  }
  Ranks const of = ranks_of<kMaximum>(__half_as_ushort(__float2half_rn(best.value)));
  return {of.ranks << 16 | (of.signs & 1u), best.place};
}

}  // namespace farm::running_extremum
