// How tiles of one axis learn what came before them while they all run (decoupled look-back): each
// publishes its own best, then, once it knows it, the best of all up to its end.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "order.cuh"

namespace farm::running_extremum {

// One word for each tile, so that value and state arrive together and no fence is needed: the value
// in the upper half; below it one bit and the place on the axis (all up to the tile's end), or a
// zero, one bit and the place in the tile (the tile alone). Zero: nothing published yet.
using Word = unsigned long long;
constexpr std::uint32_t kAllBefore = 0x80000000u;
constexpr std::uint32_t kTileAlone = 0x40000000u;

// In front of the words: whose turn it is. A block takes its tile only when it runs, so that every
// tile before it has a block that runs, too, whatever the order in which the card starts blocks.
constexpr std::size_t kTicketBytes = 256;

template <typename S>
__device__ __forceinline__ Word word_of(Best<S> best, std::uint32_t state) {
  std::uint32_t value;
  memcpy(&value, &best.value, sizeof value);
  return static_cast<Word>(value) << 32 | state | static_cast<std::uint32_t>(best.place);
}

// What a word says; `begin` is where its tile begins on the axis.
template <typename S>
__device__ __forceinline__ Best<S> best_of(Word word, std::int32_t begin) {
  auto const value = static_cast<std::uint32_t>(word >> 32);
  auto const low = static_cast<std::uint32_t>(word);
  Best<S> best;
  memcpy(&best.value, &value, sizeof value);
  best.place = low & kAllBefore ? static_cast<std::int32_t>(low & ~kAllBefore)
                                : begin + static_cast<std::int32_t>(low & ~kTileAlone);
  return best;
}

__device__ __forceinline__ bool covers_all(Word word) {
  return (static_cast<std::uint32_t>(word) & kAllBefore) != 0;
}

// Volatile, since another block changes it; eight bytes are read and written at once.
__device__ __forceinline__ Word seen(Word const* place) {
  return *static_cast<Word const volatile*>(place);
}
__device__ __forceinline__ void publish(Word* place, Word word) {
  *static_cast<Word volatile*>(place) = word;
}
template <typename S>
__device__ __forceinline__ void publish_alone(Word* place, Best<S> best, std::int32_t begin) {
  publish(place, word_of(Best<S>{best.value, best.place - begin}, kTileAlone));
}

// The best of all tiles before `tile`, looked for by one thread, four tiles at a time.
// Tile t begins at `t * tile_length`; its word is `words[t * stride]`.
template <typename Order, typename S>
__device__ Best<S> best_before(Word const* words, std::int64_t stride, int tile, int tile_length) {
  constexpr int kAtOnce = 4;
  Best<S> found = nothing<S>();
  int next = tile - 1;
  bool open = true;
  while (open) {
    Word look[kAtOnce];
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) {
      look[k] = next - k >= 0 ? seen(words + (next - k) * stride) : 0;
    }
    int const from = next;
#pragma unroll
    for (int k = 0; k < kAtOnce; ++k) {
      if (open && next == from - k && look[k] != 0) {
        Best<S> const earlier = best_of<S>(look[k], next * tile_length);
        found = found.place == kNowhere ? earlier : joined<Order>(earlier, found);
        open = !covers_all(look[k]);
        --next;
      }
    }
    if (next == from) {
      __nanosleep(32);
    }
  }
  return found;
}

// The same by a whole warp, thirty-two tiles at a time; every lane gets it. Tile t begins at
// `t * tile_length - shift`.
template <typename Order, typename S>
__device__ Best<S> best_before_by_warp(Word const* words, int tile, int tile_length, int shift) {
  constexpr unsigned kAll = 0xFFFFFFFFu;
  int const lane = static_cast<int>(threadIdx.x % 32);
  Best<S> found = nothing<S>();
  for (int next = tile - 1;; next -= 32) {
    int const mine = next - lane;
    Word word = 0;
    unsigned ends = 0;
    // Waits only for tiles that are nearer than the nearest one which covers all before it.
    for (;;) {
      if (word == 0 && mine >= 0) {
        word = seen(words + mine);
      }
      unsigned const published = __ballot_sync(kAll, word != 0 || mine < 0);
      ends = __ballot_sync(kAll, word != 0 && covers_all(word));
      unsigned const needed = ends == 0 ? kAll : (ends & (0u - ends)) | ((ends & (0u - ends)) - 1);
      if ((published & needed) == needed) {
        break;
      }
      __nanosleep(32);
    }
    int const last = ends == 0 ? 31 : __ffs(static_cast<int>(ends)) - 1;
    Best<S> best = lane <= last && mine >= 0 ? best_of<S>(word, mine * tile_length - shift)
                                             : nothing<S>();
    // Neighbours first: the choice between equals depends on the order, so what is joined must lie
    // together.
#pragma unroll
    for (int distance = 1; distance < 32; distance *= 2) {
      Best<S> const earlier = {__shfl_down_sync(kAll, best.value, distance),
                               __shfl_down_sync(kAll, best.place, distance)};
      if (lane + distance < 32 && earlier.place != kNowhere) {
        best = joined<Order>(earlier, best);
      }
    }
    Best<S> const window = {__shfl_sync(kAll, best.value, 0), __shfl_sync(kAll, best.place, 0)};
    found = found.place == kNowhere ? window : joined<Order>(window, found);
    if (ends != 0) {
      return found;
    }
  }
}

}  // namespace farm::running_extremum
