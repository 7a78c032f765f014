// The planes of one block: copied to shared memory, and read from there.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "samples.cuh"

namespace farm {

// Where elements are read: in shared memory, there or in global memory, in global memory alone.
enum class Source { kShared, kMixed, kGlobal };

// Planes that a block has: one of float32, or two of float16, so that what lies at a place is a
// word.
template <typename T>
constexpr int kPlanes = static_cast<int>(4 / sizeof(T));

template <typename T>
struct alignas(4) Word {
  T of[kPlanes<T>];
};
constexpr int kWordBytes = 4;

template <typename T>
struct Planes {
  const T* global[kPlanes<T>];
  const Word<T>* shared;
  int resident;  // bytes of them in shared memory
  int zeros;     // where as many zeros as a row is long lie, in bytes from `shared` on
};

template <typename T>
struct Values {
  float of[kPlanes<T>] = {};

  __device__ __forceinline__ void add(float share, const Values& other) {
#pragma unroll
    for (int p = 0; p < kPlanes<T>; ++p) of[p] = fmaf(share, other.of[p], of[p]);
  }
};

// What lies in a row and a column. Rows are counted in bytes where they are in shared memory.
template <Source kSource, typename T>
__device__ __forceinline__ Values<T> read(const Planes<T>& planes, int row, int column) {
  Values<T> values;
  if (kSource == Source::kShared || (kSource == Source::kMixed && row < planes.resident)) {
    const auto* at = reinterpret_cast<const char*>(planes.shared + column) + row;
    const Word<T> word = *reinterpret_cast<const Word<T>*>(at);
#pragma unroll
    for (int p = 0; p < kPlanes<T>; ++p) values.of[p] = wide(word.of[p]);
  } else if (kSource == Source::kMixed || row >= 0) {
    const unsigned at = (kSource == Source::kMixed ? row / kWordBytes : row) + column;
#pragma unroll
    for (int p = 0; p < kPlanes<T>; ++p) values.of[p] = wide(__ldg(planes.global[p] + at));
  }
  return values;
}

// Elements before the first one that are zeros; a row at least.
__host__ __device__ inline int zeros_before(int width) { return (width + 3) / 4 * 4; }

// Four elements of a plane, and four words, which are loaded and stored together.
template <typename T>
struct alignas(4 * sizeof(T)) Four {
  T of[4];
};

// Copies the first `count` elements by all threads of the block, four at a time where that can be.
template <typename T>
__device__ __forceinline__ void stage(const T* const (&from)[kPlanes<T>], Word<T>* to, int count) {
  const int threads = static_cast<int>(blockDim.x);
  int begin = static_cast<int>(threadIdx.x);
  std::uintptr_t addresses = 0;
#pragma unroll
  for (const T* plane : from) addresses |= reinterpret_cast<std::uintptr_t>(plane);
  if (addresses % sizeof(Four<T>) == 0) {
#pragma unroll 8
    for (int i = begin; i < count / 4; i += threads) {
      Four<Word<T>> words;
#pragma unroll
      for (int p = 0; p < kPlanes<T>; ++p) {
        const Four<T> four = reinterpret_cast<const Four<T>*>(from[p])[i];
#pragma unroll
        for (int k = 0; k < 4; ++k) words.of[k].of[p] = four.of[k];
      }
      reinterpret_cast<Four<Word<T>>*>(to)[i] = words;
    }
    begin += count / 4 * 4;
  }
#pragma unroll 8
  for (int i = begin; i < count; i += threads) {
    Word<T> word;
#pragma unroll
    for (int p = 0; p < kPlanes<T>; ++p) word.of[p] = from[p][i];
    to[i] = word;
  }
}

}  // namespace farm
