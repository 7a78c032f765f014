// What a block of the tiles is told, and what it keeps in shared memory.
#pragma once

#include "common/deform_conv/multiply.cuh"

namespace farm {
namespace deform_conv_detail {

template <typename T>
struct TileArguments {
  DeformConvTensors<T> tensors;
  DeformConvSize size;
  Plan plan;
  const T* turned;          // x with channels last
  const T* packed;          // weights
  const unsigned* largest;  // [images]: bits of the largest magnitude, for pairs
  const int* exponents;     // [out channels], of what weights were multiplied with, for pairs
  float* parts;             // [splits][out channels][pixels] of sums, where blocks share a tile
  int column_tiles;         // of a group
  int splits;               // blocks that share the portions of a tile
  int share;                // portions of each
};

template <typename T, typename Shape>
struct alignas(32) TileMemory {
  using Layout = TileLayout<T, Shape>;

  struct alignas(32) Buffers {
    alignas(32) T pixels[2][Layout::kPixelTile];
    alignas(32) T weights[Shape::kStages][Layout::kWeightTile];
  };
  union {
    Buffers buffers;
    float staging[kStagingFloats<Shape>];  // once all is multiplied
  };
  float4 shares[kRoundTaps * Shape::kPixels];
  int4 corners[kRoundTaps * Shape::kPixels];  // in vectors, from the first pixel of all images
  // Where the first output channel of a pixel goes; -1 behind the last pixel.
  std::int64_t outputs[Shape::kPixels];
  // Of what a pixel's samples are multiplied with; the largest mask while it is looked for.
  int exponents[Shape::kPixels];
};

}  // namespace deform_conv_detail
}  // namespace farm
