// Which of two elements of a running maximum or minimum stays: an associative choice, so that parts
// of an axis can be scanned apart and joined.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

namespace farm::running_extremum {

// The choice of a part of the axis. No place: of a part without elements.
constexpr std::int32_t kNowhere = -1;
template <typename S>
struct Best {
  S value;
  std::int32_t place;
};

// PyTorch's order: the last of equals wins, NaN beats all and the last NaN other NaNs.
template <bool kMaximum>
struct LastOfEquals {
  template <typename S>
  static __device__ __forceinline__ bool later_wins(Best<S> earlier, Best<S> later) {
    bool const reaches =
        kMaximum ? later.value >= earlier.value : later.value <= earlier.value;
    return earlier.place == kNowhere || reaches || later.value != later.value;
  }
};

// The order of kernels that compare strictly from the first element on: the first of equals wins,
// and NaN is seen only in the first place of the axis, where nothing beats it.
template <bool kMaximum>
struct FirstOfEquals {
  template <typename S>
  static __device__ __forceinline__ bool later_wins(Best<S> earlier, Best<S> later) {
    bool const exceeds = kMaximum ? later.value > earlier.value : later.value < earlier.value;
    bool const unseen = earlier.value != earlier.value && earlier.place != 0;
    return earlier.place == kNowhere || unseen || exceeds;
  }
};

template <typename Order, typename S>
__device__ __forceinline__ Best<S> joined(Best<S> earlier, Best<S> later) {
  return Order::later_wins(earlier, later) ? later : earlier;
}

// The same where the later part may have no elements, too.
template <typename Order, typename S>
__device__ __forceinline__ Best<S> extended(Best<S> earlier, Best<S> later) {
  return later.place == kNowhere ? earlier : joined<Order>(earlier, later);
}

template <typename S>
__device__ __forceinline__ Best<S> nothing() {
  return {S{}, kNowhere};
}

}  // namespace farm::running_extremum
