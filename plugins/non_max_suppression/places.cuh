// Where everything lies in the workspace.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernel.hpp"

namespace farm {

// A class of an image is a segment; its boxes are in tiles of 64, one bit of a word each.
using Key = unsigned long long;
using Bits = unsigned long long;
constexpr int kTile = 64;

// `window` is how many boxes of each segment are compared with all later ones in one turn.
struct Places {
  int segments;
  int words;  // of all boxes of a segment
  int window;
  Key* keys;        // [segments, boxes], sorted in the end
  Key* sorting;     // as keys
  float4* boxes;    // [segments, boxes], the best first: least, least, most, most
  Bits* overlaps;   // [segments, window, words]
  Bits* gone;       // [segments, words]
  int* candidates;  // [segments]
  int* taken;       // [segments]
  int* kept;        // [segments, most]
};

// Takes pieces of memory one after the other; with null memory it only counts.
class Pieces {
 public:
  explicit Pieces(void* memory) : memory_(static_cast<char*>(memory)) {}

  template <typename T>
  T* take(std::int64_t count) {
    const std::size_t start = bytes_;
    bytes_ +=
        (static_cast<std::size_t>(count) * sizeof(T) + kAlignment - 1) / kAlignment * kAlignment;
    return memory_ == nullptr ? nullptr : reinterpret_cast<T*>(memory_ + start);
  }
  std::size_t bytes() const { return bytes_; }

 private:
  static constexpr std::size_t kAlignment = 256;
  char* memory_;
  std::size_t bytes_ = 0;
};

// Lays out the workspace. What it takes does not shrink when a size grows: it is the smaller of
// what all boxes need and the larger of what was granted and what a single tile needs.
inline Places places_in(const NonMaxSuppression& how, Pieces& pieces) {
  Places places = {};
  places.segments = how.images * how.classes;
  places.words = (how.boxes + kTile - 1) / kTile;
  const std::int64_t count = static_cast<std::int64_t>(places.segments) * how.boxes;
  const std::int64_t row = static_cast<std::int64_t>(places.segments) * places.words;
  const std::int64_t granted = how.overlap_bytes / static_cast<std::int64_t>(sizeof(Bits));
  const std::int64_t whole = row * places.words * kTile;
  const std::int64_t least = row * kTile;
  const std::int64_t reserved = whole < granted ? whole : granted > least ? granted : least;
  places.window = row == 0 ? 0 : static_cast<int>(reserved / row / kTile * kTile);
  places.keys = pieces.take<Key>(count);
  places.sorting = pieces.take<Key>(count);
  places.boxes = pieces.take<float4>(count);
  places.overlaps = pieces.take<Bits>(reserved);
  places.gone = pieces.take<Bits>(row);
  places.candidates = pieces.take<int>(places.segments);
  places.taken = pieces.take<int>(places.segments);
  places.kept = pieces.take<int>(static_cast<std::int64_t>(places.segments) * how.most);
  return places;
}

}  // namespace farm
