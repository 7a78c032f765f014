// Products on tensor cores from SM 8.0 on, by the instructions themselves: fragments come by
// ldmatrix, 32 bytes of depth at a time, which are 16 channels of float16 or 8 of TF32. In bytes
// both have the same fragments.
#pragma once

#include <cuda_fp16.h>

#include <cstdint>

#include "common/deform_conv/form.cuh"
#include "common/deform_conv/multiply.cuh"
#include "common/deform_conv/tensor_core.cuh"

#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800

namespace farm {
namespace deform_conv_detail {

// A product of fragments. A factor has `kParts` parts, each a fragment, which lie 32 bytes apart;
// `add` sums the products of parts for one fragment of pixels and one of weights, term after term.
struct HalfProduct {
  using Stored = __half;
  static constexpr int kParts = 1, kTerms = 1;
  static constexpr Form kForm = Form::kPlain;
  __device__ static void add(int, float (&sums)[4], const PixelWords (&a)[1],
                             const WeightWords (&b)[1]) {
    multiply_half(sums, a[0], b[0]);
  }
};

struct RoundedProduct {
  using Stored = float;
  static constexpr int kParts = 1, kTerms = 1;
  static constexpr Form kForm = Form::kRounded;
  __device__ static void add(int, float (&sums)[4], const PixelWords (&a)[1],
                             const WeightWords (&b)[1]) {
    multiply_tf32(sums, a[0], b[0]);
  }
};

// Each factor is the sum of two float16 numbers, and only what both rests give together is left out
// (2^-22 of the product). Float16 is multiplied at twice the rate of TF32, so this costs half of
// what pairs of those do. Small products come first, before the sum is large.
struct PairProduct {
  using Stored = float;
  static constexpr int kParts = 2, kTerms = 3;
  static constexpr Form kForm = Form::kPairs;
  __device__ static void add(int term, float (&sums)[4], const PixelWords (&a)[2],
                             const WeightWords (&b)[2]) {
    multiply_half(sums, a[term == 0 ? 1 : 0], b[term == 1 ? 1 : 0]);
  }
};

// At 128 pixels by 256 columns a warp sums 64 by 64 of them, in 128 registers: a fragment of pixels
// that it reads from shared memory serves eight products, one of weights four.
template <typename Shape, typename Product>
class MmaMultiplier {
 public:
  using Stored = typename Product::Stored;
  using Rows = TurnedRows;
  static constexpr Form kForm = Product::kForm;

  __device__ void clear() {
    for (auto& row : sums_) {
      for (auto& fragment : row) {
        for (float& sum : fragment) sum = 0.0f;
      }
    }
  }

  __device__ void multiply(const Stored* pixels, const Stored* weights) {
    const int lane = Warp::lane();
    // Lane l names a row of 16 bytes of matrix l / 8. Of pixels these are rows 0 to 7 and 8 to 15,
    // then the same 16 bytes on; of weights rows 0 to 7, the same 16 bytes on, then rows 8 to 15.
    const auto* const a = reinterpret_cast<const unsigned char*>(pixels);
    const auto* const b = reinterpret_cast<const unsigned char*>(weights);
    const int a_row = Warp::first_pixel() + lane % 16;
    const int b_row = Warp::first_column() + lane % 8 + lane / 16 * 8;
#pragma unroll
    for (int depth = 0; depth < 4; depth += 2 * kParts) {
      SharedPlace a_places[kParts], b_places[kParts];
#pragma unroll
      for (int part = 0; part < kParts; ++part) {
        const int vector = depth + part * 2;
        a_places[part] = SharedPlace(a + Rows::place(a_row, vector + lane / 16));
        b_places[part] = SharedPlace(b + Rows::place(b_row, vector + lane / 8 % 2));
      }
      PixelWords rows[kRows][kParts];
#pragma unroll
      for (int row = 0; row < kRows; ++row) load_row(rows[row], a_places, row * 16 * Rows::kBytes);
#pragma unroll
      for (int pair = 0; pair < kPairs; ++pair) {
        WeightWords columns[2][kParts];
        load_pair(columns, b_places, pair * 16 * Rows::kBytes);
#pragma unroll
        for (int term = 0; term < Product::kTerms; ++term) {
#pragma unroll
          for (int row = 0; row < kRows; ++row) {
            Product::add(term, sums_[row][pair * 2], rows[row], columns[0]);
            Product::add(term, sums_[row][pair * 2 + 1], rows[row], columns[1]);
          }
        }
      }
    }
  }

  // A lane has two neighbouring columns of pixels that are 8 apart; eight lanes have eight
  // neighbouring pixels of a column.
  template <typename Take>
  __device__ void give(float*, const Take& take) const {
    const int pixel0 = Warp::first_pixel() + Warp::lane() / 4;
    const int column0 = Warp::first_column() + Warp::lane() % 4 * 2;
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
#pragma unroll
      for (int item = 0; item < 4; ++item) {
#pragma unroll
        for (int fragment = 0; fragment < kPairs * 2; ++fragment) {
          take(pixel0 + row * 16 + item / 2 * 8, column0 + fragment * 8 + item % 2,
               sums_[row][fragment][item]);
        }
      }
    }
  }

 private:
  using Warp = WarpTile<Shape>;
  static constexpr int kRows = Warp::kPixels / 16;
  static constexpr int kPairs = Warp::kColumns / 16;
  static constexpr int kParts = Product::kParts;

  using Places = SharedPlace[kParts];

  __device__ static void load_row(PixelWords (&row)[kParts], const Places& places, int bytes) {
#pragma unroll
    for (int part = 0; part < kParts; ++part) load_matrices(row[part].words, places[part], bytes);
  }

  __device__ static void load_pair(WeightWords (&columns)[2][kParts], const Places& places,
                                   int bytes) {
    PixelWords both[kParts];
    load_row(both, places, bytes);
#pragma unroll
    for (int part = 0; part < kParts; ++part) {
#pragma unroll
      for (int word = 0; word < 4; ++word)
        columns[word / 2][part].words[word % 2] = both[part].words[word];
    }
  }

  float sums_[kRows][kPairs * 2][4];
};

}  // namespace deform_conv_detail
}  // namespace farm

#endif
