// float16 on the tensor cores of SM 7.0 to 7.5, whose fragments only the compiler knows.
#pragma once

#include <mma.h>

#include "common/deform_conv/form.cuh"
#include "common/deform_conv/multiply.cuh"

namespace farm {
namespace deform_conv_detail {

template <typename Shape>
class WmmaMultiplier {
 public:
  using Stored = __half;
  using Rows = PaddedRows;
  static constexpr Form kForm = Form::kPlain;

  __device__ void clear() {
    for (auto& row : sums_) {
      for (auto& sum : row) nvcuda::wmma::fill_fragment(sum, 0.0f);
    }
  }

  __device__ void multiply(const __half* pixels, const __half* weights) {
    pixels += Warp::first_pixel() * Layout::kRow;
    weights += Warp::first_column() * Layout::kRow;
#pragma unroll
    for (int depth = 0; depth < Layout::kDepth; depth += 16) {
      Fragment<nvcuda::wmma::matrix_a, nvcuda::wmma::row_major> rows[kRows];
#pragma unroll
      for (int row = 0; row < kRows; ++row) {
        nvcuda::wmma::load_matrix_sync(rows[row], pixels + row * 16 * Layout::kRow + depth,
                                       Layout::kRow);
      }
#pragma unroll
      for (int column = 0; column < kColumns; ++column) {
        Fragment<nvcuda::wmma::matrix_b, nvcuda::wmma::col_major> factors;
        nvcuda::wmma::load_matrix_sync(factors, weights + column * 16 * Layout::kRow + depth,
                                       Layout::kRow);
#pragma unroll
        for (int row = 0; row < kRows; ++row) {
          nvcuda::wmma::mma_sync(sums_[row][column], rows[row], factors, sums_[row][column]);
        }
      }
    }
  }

  // Lanes hand over neighbouring pixels of one column, by way of shared memory.
  template <typename Take>
  __device__ void give(float* staging, const Take& take) const {
    float* const own = staging + Warp::warp() * Warp::kPixels * 16;
#pragma unroll
    for (int column = 0; column < kColumns; ++column) {
#pragma unroll
      for (int row = 0; row < kRows; ++row) {
        nvcuda::wmma::store_matrix_sync(own + row * 16, sums_[row][column], Warp::kPixels,
                                        nvcuda::wmma::mem_col_major);
      }
      __syncwarp();
      for (int place = Warp::lane(); place < Warp::kPixels * 16; place += 32) {
        take(Warp::first_pixel() + place % Warp::kPixels,
             Warp::first_column() + column * 16 + place / Warp::kPixels, own[place]);
      }
      __syncwarp();
    }
  }

 private:
  using Warp = WarpTile<Shape>;
  using Layout = TileLayout<__half, Shape>;
  template <typename Use, typename Order>
  using Fragment = nvcuda::wmma::fragment<Use, 16, 16, 16, __half, Order>;
  static constexpr int kRows = Warp::kPixels / 16;
  static constexpr int kColumns = Warp::kColumns / 16;

  nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float> sums_[kRows][kColumns];
};

}  // namespace deform_conv_detail
}  // namespace farm
