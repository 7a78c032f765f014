// ldmatrix and mma.sync of tensor cores, with which word of a fragment a lane has as PTX says it.
#pragma once

#include <cuda_fp16.h>

#include "cpu/block.hpp"

namespace farm::cpu {

#define FARM_CPU_HERE char const *file = __builtin_FILE(), int line = __builtin_LINE()

// ldmatrix.x4: lane l names row l % 8 of matrix l / 8, 16 bytes long, and gets word l % 4 of row l
// / 4 of each.
inline void load_matrices(std::uint32_t (&words)[4], unsigned char const* row, FARM_CPU_HERE) {
  if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) {
    misuse({file, line}, "a row of a matrix at %p is not aligned", static_cast<void const*>(row));
  }
  Brought const& rows = meet(0xFFFFFFFFu, reinterpret_cast<std::uintptr_t>(row), {file, line});
  for (unsigned matrix = 0; matrix < 4; ++matrix) {
    auto const* const from =
        reinterpret_cast<unsigned char const*>(rows.value[matrix * 8 + lane() / 4]);
    std::memcpy(&words[matrix], from + lane() % 4 * 4, 4);
  }
}

struct HalfWord {
  static constexpr int kFactors = 2;
  static float factor(std::uint32_t word, int place) {
    return __ushort_as_half(static_cast<unsigned short>(word >> (16 * place)));
  }
};

// Tensor cores cut off what TF32 has no bits for.
struct Tf32Word {
  static constexpr int kFactors = 1;
  static float factor(std::uint32_t word, int) { return __uint_as_float(word & 0xFFFFE000u); }
};

// mma.sync.m16n8: sums += a * b, of 16 rows and 8 columns, each 8 words deep.
template <typename Word>
void multiply_fragments(float (&sums)[4], std::uint32_t const (&a)[4], std::uint32_t const (&b)[2],
                        FARM_CPU_HERE) {
  struct Fragments {
    std::uint32_t const *a, *b;
  } const own{a, b};
  Brought const& all = meet(0xFFFFFFFFu, reinterpret_cast<std::uintptr_t>(&own), {file, line});
  auto const of = [&](unsigned lane) {
    return *reinterpret_cast<Fragments const*>(all.value[lane]);
  };
  for (unsigned item = 0; item < 4; ++item) {
    unsigned const row = lane() / 4, column = lane() % 4 * 2 + item % 2;
    for (unsigned depth = 0; depth < 8; ++depth) {
      std::uint32_t const left = of(row * 4 + depth % 4).a[item / 2 + depth / 4 * 2];
      std::uint32_t const right = of(column * 4 + depth % 4).b[depth / 4];
      for (int place = 0; place < Word::kFactors; ++place) {
        sums[item] += Word::factor(left, place) * Word::factor(right, place);
      }
    }
  }
  // Nobody changes a fragment that others still read.
  meet(0xFFFFFFFFu, 0, {file, line});
}

#undef FARM_CPU_HERE

}  // namespace farm::cpu
