// The softmax of a warp over keys that come a tile at a time: the largest score so far rescales
// what was summed, where it grows.
#pragma once

#include "mma.cuh"

namespace farm {
namespace attention_detail {

constexpr float kLog2E = 1.44269504f;

// 16 queries of a warp: as factors, what was summed for them, and how. A lane has two of the rows.
template <int kChannels, int kTile>
struct Band {
  static constexpr int kBlocks = kTile / 8;
  using Scores = float[kBlocks][4];

  unsigned queries[kChannels / 16][4];
  float sums[kChannels / 8][4] = {};
  float largest[2] = {-INFINITY, -INFINITY};
  float total[2] = {0.0f, 0.0f};

  // Scores become shares of what the largest so far has, and older sums the same.
  __device__ void share(Scores& scores, float factor) {
    float offset[2];
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      float most = largest[row], other = fmaxf(scores[0][2 * row], scores[0][2 * row + 1]);
#pragma unroll
      for (int block = 1; block < kBlocks; ++block) {
        most = fmaxf(most, scores[block][2 * row]);
        other = fmaxf(other, scores[block][2 * row + 1]);
      }
      most = fmaxf(most, other);
      most = fmaxf(most, __shfl_xor_sync(kAll, most, 1));
      most = fmaxf(most, __shfl_xor_sync(kAll, most, 2));
      rescale(row, power((largest[row] - most) * factor));
      largest[row] = most;
      offset[row] = most * factor;
    }
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      float even = 0.0f, odd = 0.0f;
#pragma unroll
      for (int block = 0; block < kBlocks; ++block) {
        float(&two)[4] = scores[block];
        even += two[2 * row] = power(fmaf(two[2 * row], factor, -offset[row]));
        odd += two[2 * row + 1] = power(fmaf(two[2 * row + 1], factor, -offset[row]));
      }
      total[row] += even + odd;
    }
  }

  __device__ void rescale(int row, float by) {
    total[row] *= by;
#pragma unroll
    for (int block = 0; block < kChannels / 8; ++block) {
      sums[block][2 * row] *= by;
      sums[block][2 * row + 1] *= by;
    }
  }

  __device__ void hand_over(float* to) const {
#pragma unroll
    for (int item = 0; item < kChannels / 2; ++item) to[item * 32] = sums[item / 4][item % 4];
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      to[(kChannels / 2 + row) * 32] = largest[row];
      to[(kChannels / 2 + 2 + row) * 32] = total[row];
    }
  }

  // Adds what another warp has of the same queries.
  __device__ void add(const float* from, float factor) {
    float theirs[2];
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      const float other = from[(kChannels / 2 + row) * 32], most = fmaxf(largest[row], other);
      rescale(row, power((largest[row] - most) * factor));
      theirs[row] = power((other - most) * factor);
      largest[row] = most;
      total[row] = fmaf(theirs[row], from[(kChannels / 2 + 2 + row) * 32], total[row]);
    }
#pragma unroll
    for (int item = 0; item < kChannels / 2; ++item) {
      float& sum = sums[item / 4][item % 4];
      sum = fmaf(theirs[item % 4 / 2], from[item * 32], sum);
    }
  }
};

}  // namespace attention_detail
}  // namespace farm
