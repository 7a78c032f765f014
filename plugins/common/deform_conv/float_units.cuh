// Products in plain float32.
#pragma once

#include "common/deform_conv/form.cuh"
#include "common/deform_conv/multiply.cuh"

namespace farm {
namespace deform_conv_detail {

// A thread sums pixels that are 8 apart by columns that are 32 apart. The lanes of a warp read 8
// rows of pixels and 4 of weights, two of depth at once and no bank twice; at 64 pixels by 256
// columns 128 products cost 16 such loads, so the float units bound it.
template <typename Shape>
class FloatUnits {
 public:
  using Stored = float;
  using Rows = PaddedRows;
  static constexpr Form kForm = Form::kPlain;

  __device__ void clear() {
    for (auto& row : sums_) {
      for (auto& sum : row) sum = 0.0f;
    }
  }

  __device__ void multiply(const float* pixels, const float* weights) {
    pixels += first_pixel() * Layout::kRow;
    weights += first_column() * Layout::kRow;
#pragma unroll
    for (int depth = 0; depth < Layout::kDepth; depth += 2) {
      float2 columns[kColumns];
#pragma unroll
      for (int column = 0; column < kColumns; ++column)
        columns[column] = two(weights + column * 32 * Layout::kRow + depth);
#pragma unroll
      for (int row = 0; row < kRows; ++row) {
        const float2 factors = two(pixels + row * 8 * Layout::kRow + depth);
#pragma unroll
        for (int column = 0; column < kColumns; ++column)
          add(sums_[row][column], factors, columns[column]);
      }
    }
  }

  template <typename Take>
  __device__ void give(float*, const Take& take) const {
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
#pragma unroll
      for (int column = 0; column < kColumns; ++column)
        take(first_pixel() + row * 8, first_column() + column * 32, sums_[row][column]);
    }
  }

 private:
  using Layout = TileLayout<float, Shape>;
  static constexpr int kRows = Shape::kPixels / 8;
  static constexpr int kColumns = Shape::kColumns / 32;

  __device__ static int first_pixel() { return static_cast<int>(threadIdx.x) % 8; }
  __device__ static int first_column() { return static_cast<int>(threadIdx.x) / 8; }
  __device__ static float2 two(const float* from) { return *reinterpret_cast<const float2*>(from); }

  __device__ static void add(float& sum, const float2& a, const float2& b) {
    sum = fmaf(a.x, b.x, sum);
    sum = fmaf(a.y, b.y, sum);
  }

  float sums_[kRows][kColumns];
};

}  // namespace deform_conv_detail
}  // namespace farm
