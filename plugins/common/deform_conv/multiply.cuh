// What multiplies two tiles in shared memory, and sums in registers.
//
// A multiplier has `Stored` (the type of factors), `kForm` and `Rows` (how they are stored),
// `clear`, `multiply` for one step of depth, and `give`, which calls `take(pixel, column, sum)` for
// each sum of the tile. All threads of a block call the latter three together.
//
// In shared memory the rows of both tiles are pixels and output channels, each with the 64 bytes of
// its channels side by side, in vectors of 16 bytes. The multiplier says where they lie (`Rows`).
#pragma once

#include "common/deform_conv/plan.hpp"

namespace farm {
namespace deform_conv_detail {

// 16 bytes behind each row: eight neighbouring rows begin in different banks.
struct PaddedRows {
  static constexpr int kBytes = kDepthBytes + 16;
  __device__ static int place(int row, int vector) { return row * kBytes + vector * kVectorBytes; }
};

// No gaps, but the vectors of each second row change places: the same vector of eight neighbouring
// rows lies in different banks, and so do all vectors of two rows, which are written together.
struct TurnedRows {
  static constexpr int kBytes = kDepthBytes;
  __device__ static int place(int row, int vector) {
    return row * kBytes + (vector ^ row / 2 % 4) * kVectorBytes;
  }
};

template <typename T, typename Shape>
struct TileLayout {
  static constexpr int kDepth = kDepthBytes / static_cast<int>(sizeof(T));
  static constexpr int kRow = PaddedRows::kBytes / static_cast<int>(sizeof(T));
  // Of the rows that take more.
  static constexpr int kPixelTile = Shape::kPixels * kRow;
  static constexpr int kWeightTile = Shape::kColumns * kRow;
};

// Two rows of four warps share the pixels and the columns of a tile.
template <typename Shape>
struct WarpTile {
  static constexpr int kWarps = kThreads / 32;
  static constexpr int kAcross = 4;
  static constexpr int kPixels = Shape::kPixels / (kWarps / kAcross);
  static constexpr int kColumns = Shape::kColumns / kAcross;

  __device__ static int lane() { return static_cast<int>(threadIdx.x) % 32; }
  __device__ static int warp() { return static_cast<int>(threadIdx.x) / 32; }
  __device__ static int first_pixel() { return warp() / kAcross * kPixels; }
  __device__ static int first_column() { return warp() % kAcross * kColumns; }
};

// What `give` may need in shared memory, for all warps.
template <typename Shape>
constexpr int kStagingFloats = WarpTile<Shape>::kWarps * WarpTile<Shape>::kPixels * 16;

}  // namespace deform_conv_detail
}  // namespace farm
