// How a deformable convolution is cut into tiles: decided on the host, from sizes alone.
//
// A slice is a run of input channels that belong to one group and to one deform group, so that its
// channels share both their weights' rows and their places. In the workspace each pixel has its
// channels side by side, slice after slice, each slice padded to whole steps of 64 bytes: one
// corner of a sampled place is then read with 16-byte loads, whatever its channels. Behind the last
// pixel lies one of zeros, for corners that have no share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>

#include "common/deform_conv/deform_conv.hpp"

namespace farm {
namespace deform_conv_detail {

constexpr int kVectorBytes = 16;
constexpr int kDepthBytes = 64;  // of one pixel in one step: 32 channels of float16, 16 of float32
constexpr int kThreads = 256;    // of a block
constexpr int kRoundTaps = 9;    // whose places a block holds at once
constexpr int kWidths[] = {256, 128, 64};  // output channels of a tile

// The tile of a block: pixels by output channels. `kStages` tiles of weights are held at once, and
// `kBlocks` blocks shall fit on an SM: one samples while the other multiplies. Tiles of twice the
// pixels, one on an SM, read the weights half as often and were slower all the same.
template <int kColumnCount>
struct TileShape {
  static constexpr int kPixels = 64;
  static constexpr int kColumns = kColumnCount;
  static constexpr int kStages = 2;
  static constexpr int kBlocks = 2;
};

struct Plan {
  int element_bytes;
  int slice;         // channels
  int slices;        // of all channels
  int group_slices;  // of one group
  int chunks;        // steps through the channels of a slice
  int rounds;        // through its taps, `kRoundTaps` at a time
  int group_out;     // output channels of a group
  int packed_out;    // the same, in whole tiles of `widest`
  int widest;
  bool tiled;  // else each output is one thread's sum

  __host__ __device__ int vector() const { return kVectorBytes / element_bytes; }
  __host__ __device__ int depth() const { return kDepthBytes / element_bytes; }
  // Channels in the workspace: of a slice, and of a pixel.
  __host__ __device__ int padded() const { return chunks * depth(); }
  __host__ __device__ int row() const { return slices * padded(); }
  // What is summed for an output, in portions that different blocks may take: the taps of a round
  // for one chunk of a slice.
  __host__ __device__ int portions() const { return group_slices * rounds * chunks; }
};

constexpr int round_up(int count, int step) { return (count + step - 1) / step * step; }

// The widest tile that wastes less than an eighth of its columns; the narrowest where all waste
// more.
inline int widest_tile(int columns) {
  for (const int width : kWidths) {
    if (round_up(columns, width) * 7 <= columns * 8) return width;
  }
  return kWidths[2];
}

// Tiles, and with them the copy of the input with channels last, where at least an eighth of what
// tensor cores multiply is of use. Few channels for each group (a depthwise convolution, or the
// three of a picture) are left to a thread each, and so is what tiles cannot count.
inline Plan plan_of(const DeformConvSize& size, std::size_t element_bytes) {
  Plan plan{};
  plan.element_bytes = static_cast<int>(element_bytes);
  const int channels = static_cast<int>(size.channels);
  plan.group_out = static_cast<int>(size.out_channels) / size.groups;
  plan.slice = std::gcd(channels / size.groups, channels / size.deform_groups);
  if (plan.slice == 0) return plan;
  plan.slices = channels / plan.slice;
  plan.group_slices = channels / size.groups / plan.slice;
  plan.chunks = (plan.slice + plan.depth() - 1) / plan.depth();
  plan.rounds = (size.taps() + kRoundTaps - 1) / kRoundTaps;
  plan.widest = widest_tile(plan.group_out);
  plan.packed_out = round_up(plan.group_out, plan.widest);
  const std::int64_t useful = std::int64_t{plan.slice} * plan.group_out;
  const std::int64_t done = std::int64_t{plan.chunks} * plan.depth() * plan.packed_out;
  constexpr std::int64_t kMost = std::numeric_limits<int>::max() - 1024;
  const std::int64_t vectors = (size.images * size.area() + 1) * (plan.row() / plan.vector());
  plan.tiled = useful * 8 >= done && vectors <= kMost && size.images * size.out_area() <= kMost;
  return plan;
}

inline std::size_t aligned(std::size_t bytes) { return (bytes + 255) / 256 * 256; }

inline std::size_t pixels_bytes(const DeformConvSize& size, const Plan& plan) {
  return aligned(static_cast<std::size_t>(size.images * size.area() + 1) * plan.row() *
                 plan.element_bytes);
}

// Elements of the packed weights: [groups][slices][chunks][taps][packed out][depth].
inline std::int64_t packed_count(const DeformConvSize& size, const Plan& plan) {
  return std::int64_t{plan.slices} * plan.chunks * size.taps() * plan.depth() * plan.packed_out;
}

inline std::size_t packed_bytes(const DeformConvSize& size, const Plan& plan) {
  return aligned(static_cast<std::size_t>(packed_count(size, plan)) * plan.element_bytes);
}

}  // namespace deform_conv_detail
}  // namespace farm
