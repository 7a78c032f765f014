// Attention by the float units: float32, and float16 where tensor cores or their alignment are
// missing.
//
// A block takes 64 queries of one head (32 where it has more than 64 channels) and 32 keys at a
// time, both in shared memory as float32. 16 threads have a query row: two keys each of its scores,
// and every 16th channel of its sums. Shared memory: 27 KiB for 32 channels, 43 for 64, 55 for 128.
// Expected bound: shared memory, with 6 loads of 16 bytes for 32 products of scores.
#pragma once

#include "common/pack.cuh"
#include "common/shared.cuh"
#include "kernel.hpp"

namespace farm {
namespace attention_detail {

template <int kChannels>
struct PlainLayout {
  static constexpr int kThreads = 256, kLanes = 16, kKeys = 32;
  static constexpr int kRows = kChannels > 64 ? 2 : 4;  // of a thread
  static constexpr int kQueries = kThreads / kLanes * kRows;
  static constexpr int kDistance = kChannels + 4;  // between rows of queries and of keys
  static constexpr int kKeyPlace = kQueries * kDistance;
  static constexpr int kValuePlace = kKeyPlace + kKeys * kDistance;
  static constexpr int kSharePlace = kValuePlace + kKeys * kChannels;
  static constexpr int kShareDistance = kKeys + 1;
  static constexpr int kSharedBytes = (kSharePlace + kQueries * kShareDistance) * 4;
};

template <typename T, int kChannels>
class PlainAttention {
 public:
  using Layout = PlainLayout<kChannels>;

  __device__ PlainAttention(const AttentionTensors<T>& tensors, const AttentionSize& size,
                            int query_tiles)
      : size_(size),
        thread_(static_cast<int>(threadIdx.x)),
        lane_(thread_ % Layout::kLanes),
        row_(thread_ / Layout::kLanes),
        shared_(dynamic_shared<float>()) {
    const auto block = static_cast<int>(blockIdx.x);
    const std::int64_t image = block / query_tiles / size.heads;
    const std::int64_t channel = std::int64_t{block / query_tiles % size.heads} * size.channels;
    query_ = tensors.query + image * size.query.image + channel;
    key_ = tensors.key + image * size.key.image + channel;
    value_ = tensors.value + image * size.value.image + channel;
    output_ = tensors.output + image * size.output.image + channel;
    first_query_ = std::int64_t{block % query_tiles} * Layout::kQueries;
    for (float& largest : largest_) largest = -INFINITY;
  }

  __device__ void run() {
    read(query_, size_.query.row, first_query_, size_.queries, Layout::kQueries, shared_,
         Layout::kDistance);
    for (std::int64_t first = 0; first < size_.keys; first += Layout::kKeys) {
      __syncthreads();
      read(key_, size_.key.row, first, size_.keys, Layout::kKeys, shared_ + Layout::kKeyPlace,
           Layout::kDistance);
      read(value_, size_.value.row, first, size_.keys, Layout::kKeys,
           shared_ + Layout::kValuePlace, kChannels);
      __syncthreads();
      score(first);
      __syncwarp();  // a row of shares is of one half of a warp
      sum();
    }
    write();
  }

 private:
  static constexpr int kRows = Layout::kRows;

  // Rows from `first` on as float32, zeros where there is nothing.
  __device__ void read(const T* from, std::int64_t step, std::int64_t first, std::int64_t rows,
                       int count, float* to, int distance) {
    for (int item = thread_; item < count * kChannels; item += Layout::kThreads) {
      const int row = item / kChannels, channel = item % kChannels;
      const bool there = first + row < rows && channel < size_.channels;
      to[row * distance + channel] = there ? wide(from[(first + row) * step + channel]) : 0.0f;
    }
  }

  // Shares of 32 keys, from `first` on, against the largest score so far.
  __device__ void score(std::int64_t first) {
    const float* const keys = shared_ + Layout::kKeyPlace + lane_ * Layout::kDistance;
    float scores[kRows][2] = {};
    for (int channel = 0; channel < kChannels; channel += 4) {
      const float4 near = *reinterpret_cast<const float4*>(keys + channel);
      const float4 far =
          *reinterpret_cast<const float4*>(keys + Layout::kLanes * Layout::kDistance + channel);
#pragma unroll
      for (int row = 0; row < kRows; ++row) {
        const float4 query = *reinterpret_cast<const float4*>(
            shared_ + (row_ * kRows + row) * Layout::kDistance + channel);
        scores[row][0] = dot(query, near, scores[row][0]);
        scores[row][1] = dot(query, far, scores[row][1]);
      }
    }
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
#pragma unroll
      for (int key = 0; key < 2; ++key) {
        if (first + lane_ + key * Layout::kLanes >= size_.keys) scores[row][key] = -INFINITY;
        else scores[row][key] *= size_.scale;
      }
      share(row, scores[row]);
    }
  }

  __device__ static float dot(const float4& a, const float4& b, float sum) {
    return fmaf(a.w, b.w, fmaf(a.z, b.z, fmaf(a.y, b.y, fmaf(a.x, b.x, sum))));
  }

  __device__ void share(int row, const float (&scores)[2]) {
    float most = fmaxf(largest_[row], fmaxf(scores[0], scores[1]));
#pragma unroll
    for (int other = Layout::kLanes / 2; other > 0; other /= 2)
      most = fmaxf(most, __shfl_xor_sync(0xFFFFFFFFu, most, other));
    const float by = expf(largest_[row] - most);
    largest_[row] = most;
    total_[row] *= by;
#pragma unroll
    for (float& sum : sums_[row]) sum *= by;
    float* const shares =
        shared_ + Layout::kSharePlace + (row_ * kRows + row) * Layout::kShareDistance;
#pragma unroll
    for (int key = 0; key < 2; ++key) {
      const float made = expf(scores[key] - most);
      total_[row] += made;
      shares[lane_ + key * Layout::kLanes] = made;
    }
  }

  __device__ void sum() {
    const float* const values = shared_ + Layout::kValuePlace + lane_;
    const float* const shares =
        shared_ + Layout::kSharePlace + row_ * kRows * Layout::kShareDistance;
#pragma unroll 4
    for (int key = 0; key < Layout::kKeys; ++key) {
#pragma unroll
      for (int part = 0; part < kChannels / Layout::kLanes; ++part) {
        const float value = values[key * kChannels + part * Layout::kLanes];
#pragma unroll
        for (int row = 0; row < kRows; ++row)
          sums_[row][part] = fmaf(shares[row * Layout::kShareDistance + key], value,
                                  sums_[row][part]);
      }
    }
  }

  __device__ void write() {
#pragma unroll
    for (int row = 0; row < kRows; ++row) {
      float total = total_[row];
#pragma unroll
      for (int other = Layout::kLanes / 2; other > 0; other /= 2)
        total += __shfl_xor_sync(0xFFFFFFFFu, total, other);
      const std::int64_t query = first_query_ + row_ * kRows + row;
      if (query >= size_.queries) continue;
#pragma unroll
      for (int part = 0; part < kChannels / Layout::kLanes; ++part) {
        const int channel = lane_ + part * Layout::kLanes;
        if (channel < size_.channels)
          output_[query * size_.output.row + channel] = narrow<T>(sums_[row][part] / total);
      }
    }
  }

  const AttentionSize& size_;
  const int thread_, lane_, row_;
  float* const shared_;
  const T *query_, *key_, *value_;
  T* output_;
  std::int64_t first_query_;
  float sums_[kRows][kChannels / Layout::kLanes] = {};
  float largest_[kRows];
  float total_[kRows] = {};
};

template <typename T, int kChannels>
__global__ void __launch_bounds__(PlainLayout<kChannels>::kThreads)
    attend_plainly(const AttentionTensors<T> tensors, const AttentionSize size, int query_tiles) {
  PlainAttention<T, kChannels>(tensors, size, query_tiles).run();
}

}  // namespace attention_detail
}  // namespace farm
