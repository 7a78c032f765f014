// Products of small matrices of float16 by the tensor cores, as a warp holds them in registers.
//
// Lane 4 r + c holds, of a product of 16 rows by 8 columns, columns 2 c and 2 c + 1 of the rows r
// and r + 8; of a left factor of 16 by 16 the same two columns, and those 8 further; of a right
// factor of 16 by 8 the rows 2 c, 2 c + 1, and those 8 further, of column r. A word is two halves.
// So the product of one multiplication is the left factor of the next without leaving registers.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <cstring>

namespace farm {
namespace attention_detail {

constexpr unsigned kAll = 0xFFFFFFFFu;

__device__ __forceinline__ unsigned packed(float low, float high) {
  const __half2 pair = __floats2half2_rn(low, high);
  unsigned word;
  memcpy(&word, &pair, sizeof word);
  return word;
}

// 2 to the power of `x`.
__device__ __forceinline__ float power(float x) {
#ifdef FARM_ON_CPU
  return exp2f(x);
#else
  float result;
  asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
  return result;
#endif
}

#if defined(FARM_ON_CPU) || (defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 750)

__device__ __forceinline__ float2 unpacked(std::uint64_t words, int place) {
  const auto word = static_cast<unsigned>(words >> (32 * place));
  __half2 pair;
  memcpy(&pair, &word, sizeof pair);
  return __half22float2(pair);
}

__device__ __forceinline__ std::uint64_t joined(unsigned low, unsigned high) {
  return std::uint64_t{high} << 32 | low;
}

// The same without tensor cores: what a lane needs of the factors comes from the four lanes of its
// rows and from the eight of its columns.
__device__ __forceinline__ void multiply(float (&sums)[4], const unsigned (&left)[4],
                                         unsigned right0, unsigned right1) {
  const int lane = static_cast<int>(threadIdx.x) % 32, row = lane / 4, column = lane % 4;
#pragma unroll
  for (int step = 0; step < 4; ++step) {
    const auto near = __shfl_sync(kAll, joined(left[0], left[2]), 4 * row + step);
    const auto below = __shfl_sync(kAll, joined(left[1], left[3]), 4 * row + step);
    const auto first = __shfl_sync(kAll, joined(right0, right1), 4 * (2 * column) + step);
    const auto second = __shfl_sync(kAll, joined(right0, right1), 4 * (2 * column + 1) + step);
#pragma unroll
    for (int part = 0; part < 2; ++part) {
      const float2 a = unpacked(near, part), b = unpacked(below, part);
      const float2 c = unpacked(first, part), d = unpacked(second, part);
      sums[0] = fmaf(a.y, c.y, fmaf(a.x, c.x, sums[0]));
      sums[1] = fmaf(a.y, d.y, fmaf(a.x, d.x, sums[1]));
      sums[2] = fmaf(b.y, c.y, fmaf(b.x, c.x, sums[2]));
      sums[3] = fmaf(b.y, d.y, fmaf(b.x, d.x, sums[3]));
    }
  }
}

#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800

// Turing multiplies half as deep.
__device__ __forceinline__ void multiply(float (&sums)[4], const unsigned (&left)[4],
                                         unsigned right0, unsigned right1) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
      "{%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[0]), "r"(left[1]), "r"(right0));
  asm("mma.sync.aligned.m16n8k8.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5}, {%6}, "
      "{%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[2]), "r"(left[3]), "r"(right1));
}

#else

// sums += left * right.
__device__ __forceinline__ void multiply(float (&sums)[4], const unsigned (&left)[4],
                                         unsigned right0, unsigned right1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(left[0]), "r"(left[1]), "r"(left[2]), "r"(left[3]), "r"(right0), "r"(right1));
}

#endif

// Rows of kChannels halves in shared memory, in vectors of 16 bytes that are mixed within a row, so
// that the same vector of eight rows lies in all banks.
template <int kChannels>
struct Tile {
  static constexpr int kVectors = kChannels / 8;
  static constexpr int kMixed = kVectors < 8 ? kVectors : 8;

  // Which vectors change places is the same for all rows that are multiples of 8 apart.
  __device__ static unsigned mix(unsigned row) { return row % 8 / (8 / kMixed); }

  __device__ static unsigned place(unsigned row, unsigned vector) {
    return row * kChannels + (vector ^ mix(row)) * 8;
  }

#if defined(FARM_ON_CPU) || (defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 750)

  // Two right factors, 16 channels deep from an even vector on: rows `row` to `row + 7` are the
  // columns of the first, the 8 behind them those of the second. `row` is a multiple of 8.
  __device__ static void read(unsigned (&words)[4], const __half* rows, unsigned row,
                              unsigned vector) {
    const unsigned lane = threadIdx.x % 32;
#pragma unroll
    for (unsigned word = 0; word < 4; ++word) {
      const __half* const from =
          rows + place(row + word / 2 * 8 + lane / 4, vector + word % 2) + lane % 4 * 2;
      memcpy(&words[word], from, sizeof words[word]);
    }
  }

  // Two right factors, 16 rows deep: the channels of an even vector are the columns of the first,
  // those of the next vector the columns of the second.
  __device__ static void read_across(unsigned (&words)[4], const __half* rows, unsigned row,
                                     unsigned vector) {
    const unsigned lane = threadIdx.x % 32;
#pragma unroll
    for (unsigned word = 0; word < 4; ++word) {
      const unsigned first = row + word % 2 * 8 + lane % 4 * 2;
      __half pair[2];
#pragma unroll
      for (unsigned below = 0; below < 2; ++below)
        pair[below] = rows[place(first + below, vector + word / 2) + lane / 4];
      memcpy(&words[word], pair, sizeof words[word]);
    }
  }

#else

  // As above. Volatile, so that no read leaves the barriers around it.
  __device__ static void read(unsigned (&words)[4], const __half* rows, unsigned row,
                              unsigned vector) {
    const unsigned lane = threadIdx.x % 32, below = lane / 16 * 8 + lane % 8;
    const __half* const from =
        rows + row * kChannels + below * kChannels + (vector ^ (lane / 8 % 2 ^ mix(lane))) * 8;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(static_cast<unsigned>(__cvta_generic_to_shared(from))));
  }

  __device__ static void read_across(unsigned (&words)[4], const __half* rows, unsigned row,
                                     unsigned vector) {
    const unsigned lane = threadIdx.x % 32, below = lane % 16;
    const __half* const from =
        rows + row * kChannels + below * kChannels + (vector ^ (lane / 16 ^ mix(lane))) * 8;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0, %1, %2, %3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(static_cast<unsigned>(__cvta_generic_to_shared(from))));
  }

#endif
};

}  // namespace attention_detail
}  // namespace farm
