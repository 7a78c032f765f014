// Products of two tiles in shared memory, summed in registers: by tensor cores, or in plain float.
//
// A multiplier has `Stored` (the type in shared memory), the distances of rows there, `clear`,
// `multiply` for one step of depth, and `give`, which calls `take(pixel, column, sum)` for each sum
// of the tile. All threads of a block call each of them together.
#pragma once

#include <mma.h>

#include "common/deform_conv/plan.hpp"

namespace farm {
namespace deform_conv_detail {

constexpr int kWarps = kThreads / 32;
// Two rows of four warps share the 64 pixels and the columns of a tile.
constexpr int kWarpColumns = 4;
constexpr int kWarpPixels = kPixels / (kWarps / kWarpColumns);
// What `give` needs in shared memory, for all warps.
constexpr int kStagingFloats = kWarps * kWarpPixels * 16;

// Distances of rows in shared memory, in elements. 16 bytes behind the pixels' rows, and 16
// (float16) or 32 (float32) behind the weights' rows, keep fragment loads free of bank conflicts
// and each fragment at 32 bytes.
template <typename T, int kColumns>
struct TileLayout {
  static constexpr int kDepth = kDepthBytes / static_cast<int>(sizeof(T));
  static constexpr int kPixelRow = kDepth + kVectorBytes / static_cast<int>(sizeof(T));
  static constexpr int kWeightRow = kColumns + 8;
  static constexpr int kPixelTile = kPixels * kPixelRow;
  static constexpr int kWeightTile = kDepth * kWeightRow;
};

// 32 pixels by a quarter of the columns for each warp, in fragments of 16 by 16 sums: 64 registers
// of sums at 256 columns. `Step` is a product of one fragment's depth.
template <int kColumns, typename Step>
class TensorCores {
 public:
  using Stored = typename Step::Stored;
  using Layout = TileLayout<Stored, kColumns>;

  __device__ void clear() {
    for (auto& row : sums_) {
      for (auto& sum : row) nvcuda::wmma::fill_fragment(sum, 0.0f);
    }
  }

  __device__ void multiply(const Stored* pixels, const Stored* weights) {
    pixels += first_pixel() * Layout::kPixelRow;
    weights += first_column();
#pragma unroll
    for (int depth = 0; depth < Layout::kDepth; depth += Step::kDepth) {
      typename Step::Pixels rows[kRows];
#pragma unroll
      for (int row = 0; row < kRows; ++row) {
        rows[row].load(pixels + row * 16 * Layout::kPixelRow + depth, Layout::kPixelRow);
      }
#pragma unroll
      for (int column = 0; column < kBlocks; ++column) {
        typename Step::Weights factors;
        factors.load(weights + depth * Layout::kWeightRow + column * 16, Layout::kWeightRow);
#pragma unroll
        for (int row = 0; row < kRows; ++row) Step::add(sums_[row][column], rows[row], factors);
      }
    }
  }

  // Lanes hand over neighbouring pixels of one column, by way of shared memory (2 KiB for each
  // warp).
  template <typename Take>
  __device__ void give(float* staging, const Take& take) const {
    const int lane = static_cast<int>(threadIdx.x) % 32;
    float* const own = staging + static_cast<int>(threadIdx.x) / 32 * kWarpPixels * 16;
#pragma unroll
    for (int column = 0; column < kBlocks; ++column) {
#pragma unroll
      for (int row = 0; row < kRows; ++row) {
        nvcuda::wmma::store_matrix_sync(own + row * 16, sums_[row][column], kWarpPixels,
                                        nvcuda::wmma::mem_col_major);
      }
      __syncwarp();
      for (int within = 0; within < 16; ++within) {
        take(first_pixel() + lane, first_column() + column * 16 + within,
             own[within * kWarpPixels + lane]);
      }
      __syncwarp();
    }
  }

 private:
  static constexpr int kRows = kWarpPixels / 16;
  static constexpr int kBlocks = kColumns / kWarpColumns / 16;

  __device__ static int first_pixel() {
    return static_cast<int>(threadIdx.x) / 32 / kWarpColumns * kWarpPixels;
  }
  __device__ static int first_column() {
    return static_cast<int>(threadIdx.x) / 32 % kWarpColumns * (kColumns / kWarpColumns);
  }

  typename Step::Sum sums_[kRows][kBlocks];
};

// float16 factors, float32 sums; from SM 7.0 on.
struct HalfStep {
  using Stored = __half;
  using Sum = nvcuda::wmma::fragment<nvcuda::wmma::accumulator, 16, 16, 16, float>;
  static constexpr int kDepth = 16;

  template <typename Use>
  struct Factors {
    nvcuda::wmma::fragment<Use, 16, 16, 16, __half, nvcuda::wmma::row_major> fragment;
    __device__ void load(const __half* from, int distance) {
      nvcuda::wmma::load_matrix_sync(fragment, from, static_cast<unsigned>(distance));
    }
  };
  using Pixels = Factors<nvcuda::wmma::matrix_a>;
  using Weights = Factors<nvcuda::wmma::matrix_b>;

  __device__ static void add(Sum& sum, const Pixels& pixels, const Weights& weights) {
    nvcuda::wmma::mma_sync(sum, pixels.fragment, weights.fragment, sum);
  }
};

struct Half {
  template <int kColumns>
  using Multiplier = TensorCores<kColumns, HalfStep>;
};

// Plain float: a thread sums 8 pixels, 8 apart, by kColumns / 32 neighbouring columns. The lanes of
// a warp read 8 rows of pixels (four of depth at once, no bank twice) and 4 runs of weights, so 64
// products cost 4 shared loads at 256 columns, and the float units bound it.
template <int kColumns>
class FloatUnits {
 public:
  using Stored = float;
  using Layout = TileLayout<float, kColumns>;

  __device__ void clear() {
    for (auto& row : sums_) {
      for (auto& sum : row) sum = 0.0f;
    }
  }

  __device__ void multiply(const float* pixels, const float* weights) {
    pixels += first_pixel() * Layout::kPixelRow;
    weights += first_column();
#pragma unroll
    for (int depth = 0; depth < Layout::kDepth; depth += 4) {
      Run<4> rows[kRows];
#pragma unroll
      for (int row = 0; row < kRows; ++row) {
        rows[row] = *reinterpret_cast<const Run<4>*>(pixels + row * 8 * Layout::kPixelRow + depth);
      }
#pragma unroll
      for (int within = 0; within < 4; ++within)
        multiply_row(rows, within, weights + (depth + within) * Layout::kWeightRow);
    }
  }

  template <typename Take>
  __device__ void give(float*, const Take& take) const {
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
#pragma unroll
      for (int column = 0; column < kRun; ++column)
        take(first_pixel() + row * 8, first_column() + column, sums_[row][column]);
    }
  }

 private:
  static constexpr int kRows = kPixels / 8;
  static constexpr int kRun = kColumns / 32;
  static constexpr int kLoad = kRun < 4 ? kRun : 4;

  template <int kCount>
  struct alignas(kCount * sizeof(float)) Run {
    float items[kCount];
  };

  __device__ static int first_pixel() { return static_cast<int>(threadIdx.x) % 8; }
  __device__ static int first_column() { return static_cast<int>(threadIdx.x) / 8 * kRun; }

  __device__ void multiply_row(const Run<4> (&rows)[kRows], int within, const float* weights) {
#pragma unroll
    for (int first = 0; first < kRun; first += kLoad) {
      const Run<kLoad> run = *reinterpret_cast<const Run<kLoad>*>(weights + first);
#pragma unroll
      for (int column = 0; column < kLoad; ++column) {
#pragma unroll
        for (int row = 0; row < kRows; ++row) {
          sums_[row][first + column] =
              fmaf(rows[row].items[within], run.items[column], sums_[row][first + column]);
        }
      }
    }
  }

  float sums_[kRows][kRun];
};

}  // namespace deform_conv_detail
}  // namespace farm
