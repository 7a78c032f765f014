// Attention in float16 by the tensor cores, without writing a score to memory.
//
// A block takes kQueryWarps times kBands times 16 queries of one head. kKeyWarps groups of its
// warps share the keys: each takes a tile of kTile keys of a stage, all queries of the block with
// it. So a warp has bands of 16 queries and every kKeyWarps-th tile: scores, softmax and sums stay
// in its registers, and the groups add up what they have at the end, through shared memory. What is
// read of keys and values serves all bands.
//
// Keys and values come by copies that go on while older stages are computed. Shared memory: kStages
// times kKeyWarps times kTile keys and values; 48 or 64 KiB for each of the plans.
//
// Expected bound: a power of two for each score, 16 in a clock on an SM, and close behind them the
// tensor cores (2 x 16 mma for 16 x 64 scores of 32 channels). 2,400 queries and keys, 8 heads: 46
// million powers, 11 us at 1.98 GHz on 132 SMs.
#pragma once

#include <cuda_pipeline.h>

#include "band.cuh"
#include "common/shared.cuh"
#include "kernel.hpp"

namespace farm {
namespace attention_detail {

template <int kChannels_, int kQueryWarps_, int kBands_, int kKeyWarps_, int kTile_, int kStages_>
struct Plan {
  static constexpr int kChannels = kChannels_;  // of a head, zeros behind those that there are
  static constexpr int kQueryWarps = kQueryWarps_;
  static constexpr int kBands = kBands_;
  static constexpr int kKeyWarps = kKeyWarps_;
  static constexpr int kTile = kTile_;
  static constexpr int kStages = kStages_;
  static constexpr int kThreads = 32 * kQueryWarps * kKeyWarps;
  static constexpr int kQueries = 16 * kBands * kQueryWarps;
  // On an SM: enough warps to hide the wait of one behind another.
  static constexpr int kBlocks = kThreads < 256 && kChannels <= 64 ? 256 / kThreads : 1;
  static constexpr int kStageKeys = kKeyWarps * kTile;
  static constexpr int kStageHalves = 2 * kStageKeys * kChannels;
  // What a lane hands over of a band: its sums, and two rows' largest scores and sums of shares.
  static constexpr int kHanded = kChannels / 2 + 4;
  static constexpr int kStageBytes = kStages * kStageHalves * 2;
  static constexpr int kHandedBytes = kQueryWarps * (kKeyWarps - 1) * kBands * kHanded * 32 * 4;
  static constexpr int kSharedBytes = kStageBytes > kHandedBytes ? kStageBytes : kHandedBytes;
};

template <typename P>
class Attention {
 public:
  __device__ Attention(const AttentionTensors<__half>& tensors, const AttentionSize& size,
                       int query_tiles)
      : size_(size),
        lane_(static_cast<int>(threadIdx.x) % 32),
        query_warp_(static_cast<int>(threadIdx.x) / 32 % P::kQueryWarps),
        group_(static_cast<int>(threadIdx.x) / 32 / P::kQueryWarps),
        keys_(static_cast<int>(size.keys)),
        factor_(size.scale * kLog2E) {
    const auto block = static_cast<int>(blockIdx.x), head = block / query_tiles;
    const std::int64_t image = head / size.heads;
    const std::int64_t channel = std::int64_t{head % size.heads} * size.channels;
    query_ = tensors.query + image * size.query.image + channel;
    output_ = tensors.output + image * size.output.image + channel;
    first_query_ = std::int64_t{block % query_tiles} * P::kQueries + query_warp_ * 16 * P::kBands;
    // A thread copies the same vector of every kPassRows-th row.
    const int row = static_cast<int>(threadIdx.x) / Rows::kVectors;
    const int vector = static_cast<int>(threadIdx.x) % Rows::kVectors;
    key_ = tensors.key + image * size.key.image + channel + row * size.key.row + vector * 8;
    value_ = tensors.value + image * size.value.image + channel + row * size.value.row + vector * 8;
    // A row that is not there, where the vector is not.
    first_row_ = vector * 8 < size.channels ? row : keys_;
    nowhere_ = tensors.key;
  }

  __device__ void run() {
    const int stages = (keys_ + P::kStageKeys - 1) / P::kStageKeys;
#pragma unroll
    for (int stage = 0; stage + 1 < P::kStages; ++stage) fetch(stage, stage);
#pragma unroll
    for (int band = 0; band < P::kBands; ++band) read_queries(bands_[band], band);
    int buffer = 0;
    for (int stage = 0; stage < stages; ++stage) {
      __pipeline_wait_prior(P::kStages - 2);
      __syncthreads();
      fetch(stage + P::kStages - 1, buffer == 0 ? P::kStages - 1 : buffer - 1);
      attend(buffer, (stage * P::kKeyWarps + group_) * P::kTile);
      buffer = buffer + 1 == P::kStages ? 0 : buffer + 1;
    }
    join();
    if (group_ > 0) return;
#pragma unroll
    for (int band = 0; band < P::kBands; ++band) write(bands_[band], band);
  }

 private:
  using Rows = Tile<P::kChannels>;
  using Queries = Band<P::kChannels, P::kTile>;
  static constexpr int kBlocks = P::kTile / 8;
  static constexpr int kPassRows = P::kThreads / Rows::kVectors;

  static_assert(P::kThreads % Rows::kVectors == 0, "a thread copies one vector of rows");

  __device__ __half* buffer(int number) const {
    return dynamic_shared<__half>() + number * P::kStageHalves;
  }

  // Sends for the keys of a stage, and their values behind them; zeros where there are none. Stages
  // are sent for one after the other.
  __device__ void fetch(int stage, int number) {
    const int first = static_cast<int>(threadIdx.x) / Rows::kVectors;
    const auto vector = threadIdx.x % Rows::kVectors;
    __half* const to = buffer(number);
#pragma unroll
    for (int pass = 0; pass < (P::kStageKeys + kPassRows - 1) / kPassRows; ++pass) {
      const int row = pass * kPassRows + first;
      if (P::kStageKeys % kPassRows != 0 && row >= P::kStageKeys) break;
      const bool there = stage * P::kStageKeys + pass * kPassRows + first_row_ < keys_;
      const std::size_t zeros = there ? 0 : 16;
      const auto place = Rows::place(static_cast<unsigned>(row), vector);
      __pipeline_memcpy_async(to + place,
                              there ? key_ + pass * kPassRows * size_.key.row : nowhere_, 16,
                              zeros);
      __pipeline_memcpy_async(to + P::kStageKeys * P::kChannels + place,
                              there ? value_ + pass * kPassRows * size_.value.row : nowhere_, 16,
                              zeros);
    }
    __pipeline_commit();
    key_ += P::kStageKeys * size_.key.row;
    value_ += P::kStageKeys * size_.value.row;
  }

  __device__ void read_queries(Queries& band, int number) const {
#pragma unroll
    for (int step = 0; step < P::kChannels / 16; ++step) {
#pragma unroll
      for (int word = 0; word < 4; ++word) {
        const std::int64_t query = first_query_ + number * 16 + lane_ / 4 + word % 2 * 8;
        const int channel = step * 16 + word / 2 * 8 + lane_ % 4 * 2;
        band.queries[step][word] = 0;
        if (query < size_.queries && channel < size_.channels)
          memcpy(&band.queries[step][word], query_ + query * size_.query.row + channel, 4);
      }
    }
  }

  // A tile of keys, those from `first` on.
  __device__ void attend(int number, int first) {
    if (first >= keys_) return;
    const __half* const keys = buffer(number) + group_ * P::kTile * P::kChannels;
    typename Queries::Scores scores[P::kBands] = {};
    multiply_keys(scores, keys);
#pragma unroll
    for (int band = 0; band < P::kBands; ++band) {
      if (first + P::kTile > keys_) leave_out(scores[band], keys_ - first);
      bands_[band].share(scores[band], factor_);
    }
    multiply_values(scores, keys + P::kStageKeys * P::kChannels);
  }

  // Factors of several products are read before the first of them is multiplied.
  __device__ void multiply_keys(typename Queries::Scores (&scores)[P::kBands],
                                const __half* keys) const {
#pragma unroll
    for (int step = 0; step < P::kChannels / 16; ++step) {
      unsigned words[kBlocks / 2][4];
#pragma unroll
      for (int pair = 0; pair < kBlocks / 2; ++pair)
        Rows::read(words[pair], keys, pair * 16, step * 2);
#pragma unroll
      for (int pair = 0; pair < kBlocks / 2; ++pair) {
#pragma unroll
        for (int band = 0; band < P::kBands; ++band) {
          const auto& queries = bands_[band].queries[step];
          multiply(scores[band][2 * pair], queries, words[pair][0], words[pair][1]);
          multiply(scores[band][2 * pair + 1], queries, words[pair][2], words[pair][3]);
        }
      }
    }
  }

  __device__ void multiply_values(typename Queries::Scores (&scores)[P::kBands],
                                  const __half* values) {
    constexpr int kPairs = P::kChannels / 16, kAtOnce = kPairs < 4 ? kPairs : 4;
#pragma unroll
    for (int step = 0; step < P::kTile / 16; ++step) {
      unsigned shares[P::kBands][4];
#pragma unroll
      for (int band = 0; band < P::kBands; ++band) {
#pragma unroll
        for (int word = 0; word < 4; ++word) {
          const float(&from)[4] = scores[band][2 * step + word / 2];
          shares[band][word] = packed(from[word % 2 * 2], from[word % 2 * 2 + 1]);
        }
      }
#pragma unroll
      for (int first = 0; first < kPairs; first += kAtOnce) {
        unsigned words[kAtOnce][4];
#pragma unroll
        for (int pair = 0; pair < kAtOnce; ++pair)
          Rows::read_across(words[pair], values, step * 16, (first + pair) * 2);
#pragma unroll
        for (int pair = 0; pair < kAtOnce; ++pair) {
#pragma unroll
          for (int band = 0; band < P::kBands; ++band) {
            auto& sums = bands_[band].sums;
            multiply(sums[2 * (first + pair)], shares[band], words[pair][0], words[pair][1]);
            multiply(sums[2 * (first + pair) + 1], shares[band], words[pair][2], words[pair][3]);
          }
        }
      }
    }
  }

  // Keys that are not there count nothing.
  __device__ void leave_out(typename Queries::Scores& scores, int there) const {
#pragma unroll
    for (int block = 0; block < kBlocks; ++block) {
#pragma unroll
      for (int item = 0; item < 4; ++item)
        if (block * 8 + lane_ % 4 * 2 + item % 2 >= there) scores[block][item] = -INFINITY;
    }
  }

  // Adds what the other groups have to what the first has.
  __device__ void join() {
    __pipeline_wait_prior(0);
    if (P::kKeyWarps == 1) return;
    __syncthreads();
#pragma unroll
    for (int band = 0; band < P::kBands; ++band)
      if (group_ > 0) bands_[band].hand_over(handed(group_, band));
    __syncthreads();
    if (group_ > 0) return;
#pragma unroll 1
    for (int group = 1; group < P::kKeyWarps; ++group) {
#pragma unroll
      for (int band = 0; band < P::kBands; ++band) bands_[band].add(handed(group, band), factor_);
    }
  }

  __device__ float* handed(int group, int band) const {
    const int place = ((group - 1) * P::kQueryWarps + query_warp_) * P::kBands + band;
    return dynamic_shared<float>() + place * P::kHanded * 32 + lane_;
  }

  __device__ void write(const Queries& band, int number) const {
#pragma unroll
    for (int row = 0; row < 2; ++row) {
      float total = band.total[row];
      total += __shfl_xor_sync(kAll, total, 1);
      total += __shfl_xor_sync(kAll, total, 2);
      const float by = 1.0f / total;
      const std::int64_t query = first_query_ + number * 16 + lane_ / 4 + row * 8;
      if (query >= size_.queries) continue;
      __half* const to = output_ + query * size_.output.row + lane_ % 4 * 2;
#pragma unroll
      for (int block = 0; block < P::kChannels / 8; ++block) {
        if (block * 8 >= size_.channels) break;
        const float(&sums)[4] = band.sums[block];
        const unsigned word = packed(sums[2 * row] * by, sums[2 * row + 1] * by);
        memcpy(to + block * 8, &word, sizeof word);
      }
    }
  }

  const AttentionSize& size_;
  const int lane_, query_warp_, group_, keys_;
  const float factor_;
  const __half *query_, *key_, *value_, *nowhere_;
  __half* output_;
  std::int64_t first_query_;  // of the warp
  int first_row_;             // of the copies of this thread; behind all keys where it has none
  Queries bands_[P::kBands];
};

template <typename P>
__global__ void __launch_bounds__(P::kThreads, P::kBlocks)
    attend_tiles(const AttentionTensors<__half> tensors, const AttentionSize size,
                 int query_tiles) {
  Attention<P>(tensors, size, query_tiles).run();
}

}  // namespace attention_detail
}  // namespace farm
