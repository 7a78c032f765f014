// Input and weights as the tiles want them: channels last, and whole tiles of output channels.
#pragma once

#include <type_traits>

#include "common/deform_conv/ways.cuh"

namespace farm {
namespace deform_conv_detail {

constexpr int kTurned = 64;  // pixels and channels of a square that is turned

template <typename T>
struct PackArguments {
  const T* x;
  T* turned;
  T* zeros;  // the pixel behind the last
  const T* weight;
  T* packed;
  std::int64_t channels, area;
  Plan plan;
  unsigned squares, pixel_tiles;  // to turn, of all images and of one
  int channel_tiles, group_channels, taps;
  int rows;           // of packed weights: [groups][packed out]
  int turning;        // the first blocks turn the input, the others pack weights
  unsigned* largest;  // [images], as `largest_of` joins them; zero before
  int* exponents;     // [out channels]: of the factors that weights are multiplied with
};

// The exponent for a row of weights; every thread of the block gets it.
template <typename T>
__device__ int exponent_of_row(const T* from, int count, unsigned (&warps)[kThreads / 32]) {
  unsigned largest = 0;
  for (int place = static_cast<int>(threadIdx.x); place < count; place += kThreads)
    largest = max(largest, magnitude(from[place]));
  largest = largest_of_warp(largest);
  __syncthreads();
  if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = largest;
  __syncthreads();
  for (const unsigned other : warps) largest = max(largest, other);
  return exponent_for(largest, kOne);
}

// [images][channels][area] to [images][area][slices][padded], zero where a slice is padded.
// A block turns 64 pixels of 64 channels in shared memory (8 or 16 KiB): warps read 64 pixels of a
// channel, 8 channels one after the other, all on their way at once; threads write 16 bytes of a
// pixel. Reads and writes each element once, so copy bandwidth bounds it.
template <Form kForm, typename T>
__device__ void turn(const PackArguments<T>& given, T (&square)[kTurned][kTurned + 2]) {
  constexpr int kVector = kVectorBytes / static_cast<int>(sizeof(T));
  constexpr int kWarps = kThreads / 32;
  const Plan& plan = given.plan;
  const int thread = static_cast<int>(threadIdx.x), lane = thread % 32;
  const auto channel_tiles = static_cast<unsigned>(given.channel_tiles);
  for (unsigned index = blockIdx.x; index < given.squares;
       index += static_cast<unsigned>(given.turning)) {
    const int channel0 = static_cast<int>(index % channel_tiles) * kTurned;
    const std::int64_t pixel0 = std::int64_t{index / channel_tiles % given.pixel_tiles} * kTurned;
    const std::int64_t image = index / channel_tiles / given.pixel_tiles;
    T values[kTurned / kWarps][2];
    unsigned largest = 0;
#pragma unroll
    for (int own = 0; own < kTurned / kWarps; ++own) {
      const int row = channel0 + thread / 32 + own * kWarps;
      const int slice = row / plan.padded(), within = row % plan.padded();
      const bool there = slice < plan.slices && within < plan.slice;
      const std::int64_t channel = std::int64_t{slice} * plan.slice + within;
      const T* const from = given.x + (image * given.channels + channel) * given.area;
#pragma unroll
      for (int half = 0; half < 2; ++half) {
        const std::int64_t pixel = pixel0 + half * 32 + lane;
        values[own][half] = there && pixel < given.area ? from[pixel] : static_cast<T>(0.0f);
        if (kForm == Form::kPairs) largest = max(largest, magnitude(values[own][half]));
      }
    }
    if (kForm == Form::kPairs) {
      largest = largest_of_warp(largest);
      // What is there only grows, so an old value costs no more than a needless turn.
      const volatile unsigned* const known = given.largest + image;
      if (lane == 0 && largest > *known) atomicMax(given.largest + image, largest);
    }
#pragma unroll
    for (int own = 0; own < kTurned / kWarps; ++own) {
      square[thread / 32 + own * kWarps][lane] = values[own][0];
      square[thread / 32 + own * kWarps][lane + 32] = values[own][1];
    }
    __syncthreads();
    for (int place = thread; place < kTurned * kTurned / kVector; place += kThreads) {
      const int row = place % (kTurned / kVector) * kVector, column = place / (kTurned / kVector);
      const std::int64_t pixel = pixel0 + column;
      if (pixel < given.area && channel0 + row < plan.row()) {
        Vector<T> vector;
#pragma unroll
        for (int item = 0; item < kVector; ++item) vector.items[item] = square[row + item][column];
        T* const to = given.turned + (image * given.area + pixel) * plan.row() + channel0 + row;
        *reinterpret_cast<Vector<T>*>(to) = vector;
      }
    }
    __syncthreads();
  }
  if (blockIdx.x == 0) {
    for (int place = thread; place < plan.row(); place += kThreads)
      given.zeros[place] = static_cast<T>(0.0f);
  }
}

// [out][channels / groups][taps] to [groups][slices][chunks][taps][packed out][depth], zero where
// there is nothing. A block takes one output channel after the other, whose weights lie together;
// a thread writes 16 bytes.
template <Form kForm, typename T>
__device__ void pack(const PackArguments<T>& given, unsigned (&warps)[kThreads / 32]) {
  constexpr int kVector = kVectorBytes / static_cast<int>(sizeof(T));
  constexpr int kPieces = kDepthBytes / kVectorBytes;
  const Plan& plan = given.plan;
  const int own = given.group_channels * given.taps;
  const int pieces = plan.group_slices * plan.chunks * given.taps * kPieces;
  for (int row = static_cast<int>(blockIdx.x) - given.turning; row < given.rows;
       row += static_cast<int>(gridDim.x) - given.turning) {
    const int group = row / plan.packed_out, column = row % plan.packed_out;
    const bool real = column < plan.group_out;
    const std::int64_t out = std::int64_t{group} * plan.group_out + column;
    const T* const from = given.weight + out * own;
    int exponent = 0;
    if (kForm == Form::kPairs && real) {
      exponent = exponent_of_row(from, own, warps);
      if (threadIdx.x == 0) given.exponents[out] = exponent;
    }
    for (int piece = static_cast<int>(threadIdx.x); piece < pieces; piece += kThreads) {
      const int vector = piece % kPieces, tap = piece / kPieces % given.taps;
      const int chunks = piece / kPieces / given.taps;
      const int within = (chunks % plan.chunks * kPieces + vector) * kVector;
      const T* const first =
          from + (std::int64_t{chunks / plan.chunks} * plan.slice + within) * given.taps + tap;
      Vector<T> made;
#pragma unroll
      for (int item = 0; item < kVector; ++item) {
        const bool there = real && within + item < plan.slice;
        made.items[item] = there ? first[std::int64_t{item} * given.taps] : static_cast<T>(0.0f);
      }
      const std::int64_t slice = std::int64_t{group} * plan.group_slices * plan.chunks + chunks;
      T* const to = given.packed +
                    ((slice * given.taps + tap) * plan.packed_out + column) * (kPieces * kVector);
      store<kForm>([&](int place) { return to + place * kVector; }, vector, exponent, made);
    }
  }
}

// The form is that of the way's multiplier on this card.
template <typename T, typename Way>
__global__ void __launch_bounds__(kThreads) deform_conv_pack(const PackArguments<T> given) {
  constexpr Form kForm = Way::template Multiplier<TileShape<64>>::kForm;
  __shared__ T square[kTurned][kTurned + 2];
  __shared__ unsigned warps[kThreads / 32];
  if (static_cast<int>(blockIdx.x) < given.turning) {
    turn<kForm>(given, square);
  } else {
    pack<kForm>(given, warps);
  }
}

}  // namespace deform_conv_detail
}  // namespace farm
