// Attention in float16 by the tensor cores, without writing a score to memory.
//
// A block takes kQueryWarps times 16 queries of one head. kKeyWarps groups of its warps share the
// keys: each takes a tile of kTile keys of a stage, all queries of the block with it. So a warp has
// 16 queries and every kKeyWarps-th tile: scores, softmax and sums stay in its registers, the
// largest score so far rescales the sums where it grows, and the groups add up what they have at
// the end, through shared memory.
//
// Keys and values come by copies that go on while older stages are computed. Shared memory: kStages
// times kKeyWarps times kTile keys and values; 48 or 64 KiB for each of the plans below.
//
// Expected bound: a power of two for each score, 16 in a clock on an SM, and close behind them the
// tensor cores (2 x 16 mma for 16 x 64 scores of 32 channels). 2,400 queries and keys, 8 heads: 46
// million powers, 11 us at 1.98 GHz on 132 SMs.
#pragma once

#include <cuda_pipeline.h>

#include "common/shared.cuh"
#include "kernel.hpp"
#include "mma.cuh"

namespace farm {
namespace attention_detail {

constexpr float kLog2E = 1.44269504f;

template <int kChannels_, int kQueryWarps_, int kKeyWarps_, int kTile_, int kStages_>
struct Plan {
  static constexpr int kChannels = kChannels_;  // of a head, zeros behind those that there are
  static constexpr int kQueryWarps = kQueryWarps_;
  static constexpr int kKeyWarps = kKeyWarps_;
  static constexpr int kTile = kTile_;
  static constexpr int kStages = kStages_;
  static constexpr int kThreads = 32 * kQueryWarps * kKeyWarps;
  static constexpr int kQueries = 16 * kQueryWarps;
  // On an SM: enough warps to hide the wait of one behind another.
  static constexpr int kBlocks = kThreads < 512 && kChannels <= 64 ? 512 / kThreads : 1;
  static constexpr int kStageKeys = kKeyWarps * kTile;
  static constexpr int kStageHalves = 2 * kStageKeys * kChannels;
  // What a lane hands over: its sums, and two rows' largest scores and sums of shares.
  static constexpr int kHanded = kChannels / 2 + 4;
  static constexpr int kStageBytes = kStages * kStageHalves * 2;
  static constexpr int kHandedBytes = kQueryWarps * (kKeyWarps - 1) * kHanded * 32 * 4;
  static constexpr int kSharedBytes = kStageBytes > kHandedBytes ? kStageBytes : kHandedBytes;
};

template <typename P>
class Attention {
 public:
  __device__ Attention(const AttentionTensors<__half>& tensors, const AttentionSize& size,
                       int query_tiles)
      : size_(size),
        thread_(static_cast<int>(threadIdx.x)),
        lane_(thread_ % 32),
        query_warp_(thread_ / 32 % P::kQueryWarps),
        group_(thread_ / 32 / P::kQueryWarps),
        factor_(size.scale * kLog2E) {
    const auto block = static_cast<int>(blockIdx.x);
    const std::int64_t image = block / query_tiles / size.heads;
    const std::int64_t channel = std::int64_t{block / query_tiles % size.heads} * size.channels;
    query_ = tensors.query + image * size.query.image + channel;
    key_ = tensors.key + image * size.key.image + channel;
    value_ = tensors.value + image * size.value.image + channel;
    output_ = tensors.output + image * size.output.image + channel;
    first_query_ = std::int64_t{block % query_tiles} * P::kQueries + query_warp_ * 16 + lane_ / 4;
  }

  __device__ void run() {
    const std::int64_t stages = (size_.keys + P::kStageKeys - 1) / P::kStageKeys;
#pragma unroll
    for (int stage = 0; stage + 1 < P::kStages; ++stage) fetch(stage, stage);
    read_queries();
    int buffer = 0;
    for (std::int64_t stage = 0; stage < stages; ++stage) {
      __pipeline_wait_prior(P::kStages - 2);
      __syncthreads();
      fetch(stage + P::kStages - 1, buffer == 0 ? P::kStages - 1 : buffer - 1);
      attend(buffer, (stage * P::kKeyWarps + group_) * P::kTile);
      buffer = buffer + 1 == P::kStages ? 0 : buffer + 1;
    }
    join();
    if (group_ == 0) write();
  }

 private:
  using Rows = Tile<P::kChannels>;

  __device__ __half* buffer(int number) const {
    return dynamic_shared<__half>() + number * P::kStageHalves;
  }

  // Sends for the keys of a stage, and their values behind them; zeros where there are none.
  __device__ void fetch(std::int64_t stage, int number) {
    __half* const to = buffer(number);
#pragma unroll
    for (int item = thread_; item < P::kStageKeys * Rows::kVectors; item += P::kThreads) {
      const int row = item / Rows::kVectors, vector = item % Rows::kVectors;
      const std::int64_t key = stage * P::kStageKeys + row;
      const bool there = key < size_.keys && vector * 8 < size_.channels;
      const int place = Rows::place(row, vector);
      const std::size_t zeros = there ? 0 : 16;
      __pipeline_memcpy_async(to + place,
                              there ? key_ + key * size_.key.row + vector * 8 : key_, 16, zeros);
      __pipeline_memcpy_async(to + P::kStageKeys * P::kChannels + place,
                              there ? value_ + key * size_.value.row + vector * 8 : value_, 16,
                              zeros);
    }
    __pipeline_commit();
  }

  // The left factors of the scores.
  __device__ void read_queries() {
#pragma unroll
    for (int step = 0; step < P::kChannels / 16; ++step) {
#pragma unroll
      for (int word = 0; word < 4; ++word) {
        const std::int64_t query = first_query_ + word % 2 * 8;
        const int channel = step * 16 + word / 2 * 8 + lane_ % 4 * 2;
        queries_[step][word] = 0;
        if (query < size_.queries && channel < size_.channels)
          memcpy(&queries_[step][word], query_ + query * size_.query.row + channel, 4);
      }
    }
  }

  // A tile of keys, those from `first` on.
  __device__ void attend(int number, std::int64_t first) {
    if (first >= size_.keys) return;
    const __half* const keys = buffer(number) + group_ * P::kTile * P::kChannels;
    const __half* const values = keys + P::kStageKeys * P::kChannels;
    float scores[kBlocks][4] = {};
#pragma unroll
    for (int step = 0; step < P::kChannels / 16; ++step) {
#pragma unroll
      for (int block = 0; block < kBlocks; block += 2) {
        unsigned words[4];
        Rows::read(words, keys, block * 8, step * 2);
        multiply(scores[block], queries_[step], words[0], words[1]);
        multiply(scores[block + 1], queries_[step], words[2], words[3]);
      }
    }
    if (first + P::kTile > size_.keys) leave_out(scores, static_cast<int>(size_.keys - first));
    share(scores);
#pragma unroll
    for (int step = 0; step < P::kTile / 16; ++step) {
      const float(&near)[4] = scores[2 * step], (&far)[4] = scores[2 * step + 1];
      const unsigned shares[4] = {packed(near[0], near[1]), packed(near[2], near[3]),
                                  packed(far[0], far[1]), packed(far[2], far[3])};
#pragma unroll
      for (int block = 0; block < P::kChannels / 8; block += 2) {
        unsigned words[4];
        Rows::read_across(words, values, step * 16, block);
        multiply(sums_[block], shares, words[0], words[1]);
        multiply(sums_[block + 1], shares, words[2], words[3]);
      }
    }
  }

  // Keys that are not there count nothing.
  __device__ void leave_out(float (&scores)[P::kTile / 8][4], int there) {
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
      for (int item = 0; item < 4; ++item)
        if (block * 8 + lane_ % 4 * 2 + item % 2 >= there) scores[block][item] = -INFINITY;
    }
  }

  // Scores become shares of what the largest so far has, and older sums the same.
  __device__ void share(float (&scores)[P::kTile / 8][4]) {
    float offset[2];
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      float most = largest_[row];
#pragma unroll
      for (int block = 0; block < kBlocks; ++block)
        most = fmaxf(most, fmaxf(scores[block][2 * row], scores[block][2 * row + 1]));
      most = fmaxf(most, __shfl_xor_sync(kAll, most, 1));
      most = fmaxf(most, __shfl_xor_sync(kAll, most, 2));
      rescale(row, power((largest_[row] - most) * factor_));
      largest_[row] = most;
      offset[row] = most * factor_;
    }
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
      for (int item = 0; item < 4; ++item) {
        const int row = item / 2;
        scores[block][item] = power(fmaf(scores[block][item], factor_, -offset[row]));
        total_[row] += scores[block][item];
      }
    }
  }

  __device__ void rescale(int row, float by) {
    total_[row] *= by;
#pragma unroll
    for (int block = 0; block < P::kChannels / 8; ++block) {
      sums_[block][2 * row] *= by;
      sums_[block][2 * row + 1] *= by;
    }
  }

  // Adds what the other groups have to what the first has.
  __device__ void join() {
    __pipeline_wait_prior(0);
    if (P::kKeyWarps == 1) return;
    __syncthreads();
    if (group_ > 0) {
      float* const to = handed(group_);
#pragma unroll
      for (int item = 0; item < P::kChannels / 2; ++item) to[item * 32] = sums_[item / 4][item % 4];
#pragma unroll
      for (int row = 0; row < 2; ++row) {
        to[(P::kChannels / 2 + row) * 32] = largest_[row];
        to[(P::kChannels / 2 + 2 + row) * 32] = total_[row];
      }
    }
    __syncthreads();
    if (group_ > 0) return;
#pragma unroll 1
    for (int group = 1; group < P::kKeyWarps; ++group) add(handed(group));
  }

  __device__ float* handed(int group) const {
    const int warp = (group - 1) * P::kQueryWarps + query_warp_;
    return dynamic_shared<float>() + warp * P::kHanded * 32 + lane_;
  }

  __device__ void add(const float* from) {
    float theirs[2];
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      const float other = from[(P::kChannels / 2 + row) * 32];
      const float most = fmaxf(largest_[row], other);
      rescale(row, power((largest_[row] - most) * factor_));
      theirs[row] = power((other - most) * factor_);
      largest_[row] = most;
      total_[row] = fmaf(theirs[row], from[(P::kChannels / 2 + 2 + row) * 32], total_[row]);
    }
#pragma unroll
    for (int item = 0; item < P::kChannels / 2; ++item) {
      float& sum = sums_[item / 4][item % 4];
      sum = fmaf(theirs[item % 4 / 2], from[item * 32], sum);
    }
  }

  __device__ void write() {
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      float total = total_[row];
      total += __shfl_xor_sync(kAll, total, 1);
      total += __shfl_xor_sync(kAll, total, 2);
      const float by = 1.0f / total;
      const std::int64_t query = first_query_ + row * 8;
      if (query >= size_.queries) continue;
      __half* const to = output_ + query * size_.output.row + lane_ % 4 * 2;
#pragma unroll
      for (int block = 0; block < P::kChannels / 8; ++block) {
        if (block * 8 >= size_.channels) break;
        const unsigned word = packed(sums_[block][2 * row] * by, sums_[block][2 * row + 1] * by);
        memcpy(to + block * 8, &word, sizeof word);
      }
    }
  }

  static constexpr int kBlocks = P::kTile / 8;

  const AttentionSize& size_;
  const int thread_, lane_, query_warp_, group_;
  const float factor_;
  const __half *query_, *key_, *value_;
  __half* output_;
  std::int64_t first_query_;  // of the two rows of this lane; the other is 8 behind it
  unsigned queries_[P::kChannels / 16][4];
  float sums_[P::kChannels / 8][4] = {};
  float largest_[2] = {-INFINITY, -INFINITY};
  float total_[2] = {0.0f, 0.0f};
};

template <typename P>
__global__ void __launch_bounds__(P::kThreads, P::kBlocks)
    attend_tiles(const AttentionTensors<__half> tensors, const AttentionSize size,
                 int query_tiles) {
  Attention<P>(tensors, size, query_tiles).run();
}

}  // namespace attention_detail
}  // namespace farm
