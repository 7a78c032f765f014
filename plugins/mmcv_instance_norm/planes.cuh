// One plane of one sample and channel: where it lies, and what becomes of its elements.
#pragma once

#include <cuda_fp16.h>
#include <cuda_runtime.h>

#include <cstdint>
#include <limits>

#include "common/launch.cuh"
#include "common/pack.cuh"
#include "moments.cuh"

namespace farm::planes {

constexpr std::int64_t kMostBlocks = std::numeric_limits<std::int32_t>::max();

template <typename T>
struct Tensors {
  T const* input;
  T const* scale;
  T const* bias;
  T* output;
  std::int64_t planes;
  int channels;
  int size;  // elements of a plane
  float epsilon;
};

// Planes begin where they begin, so each is read from the last whole pack (16 bytes) before it: all
// loads and stores but the first and the last are whole packs.
template <typename T>
struct Plane {
  static constexpr int kPack = 16 / sizeof(T);
  T const* input;
  T* output;
  int shift;  // elements of the first pack that are not of the plane
  int end;    // elements up to the end of the plane
  float scale;
  float bias;
  // The first element. Moments are of distances from it, which keep the digits of elements that are
  // far from zero and close to each other.
  float pivot;

  __device__ Plane(Tensors<T> const& all, std::int64_t plane)
      : shift(static_cast<int>(plane * all.size % kPack)),
        end(all.size + shift),
        scale(wide(all.scale[plane % all.channels])),
        bias(wide(all.bias[plane % all.channels])) {
    std::int64_t const aligned = plane * all.size - shift;
    input = all.input + aligned;
    output = all.output + aligned;
    pivot = wide(input[shift]);
  }

  __device__ __forceinline__ int packs() const { return (end + kPack - 1) / kPack; }

  __device__ __forceinline__ Pack<T, kPack> load(int pack) const {
    int const at = pack * kPack;
    return load_pack<T, kPack>(input + at, shift - at, end - at);
  }

  // Neither cut off at the beginning nor at the end.
  __device__ __forceinline__ bool whole(int pack) const {
    return pack * kPack >= shift && (pack + 1) * kPack <= end;
  }

  __device__ __forceinline__ Pack<T, kPack> load_whole(int pack) const {
    return *reinterpret_cast<Pack<T, kPack> const*>(input + pack * kPack);
  }

  // Shows the distance from the pivot of each element of a pack that is of the plane.
  template <typename Use>
  __device__ __forceinline__ void visit_items(int pack, Pack<T, kPack> const& items,
                                              Use use) const {
    bool const all = whole(pack);
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      if (all || (pack * kPack + k >= shift && pack * kPack + k < end)) {
        use(wide(items.item[k]) - pivot);
      }
    }
  }

  __device__ __forceinline__ Moments moments(Pack<T, kPack> const& items, int begin,
                                             int stop) const {
    float values[kPack];
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      values[k] = wide(items.item[k]) - pivot;
    }
    return moments_of(values, begin, stop);
  }

  __device__ __forceinline__ void store(int pack, Pack<T, kPack> items, float mean,
                                        float factor) const {
#pragma unroll
    for (int k = 0; k < kPack; ++k) {
      items.item[k] = narrow<T>((wide(items.item[k]) - pivot - mean) * factor + bias);
    }
    int const at = pack * kPack;
    store_pack(output + at, shift - at, end - at, items);
  }

  // What distances from the mean are multiplied with.
  __device__ __forceinline__ float factor(Moments all, float size, float epsilon) const {
    return scale / sqrtf(all.squares / size + epsilon);
  }
};

// Shows a thread of the block its share of the packs from `begin` to `stop`: every blockDim.x-th.
// Four are loaded before the first is used, since a thread that waits for each would leave the
// memory idle. `use` takes the pack's number, its items, and the first and the end of those that
// belong to the plane.
template <typename T, typename Use>
__device__ __forceinline__ void visit(Plane<T> const& plane, int begin, int stop, Use use) {
  constexpr int kAtOnce = 4, kPack = Plane<T>::kPack;
  int const stride = static_cast<int>(blockDim.x);
  for (int first = begin + static_cast<int>(threadIdx.x); first < stop;
       first += kAtOnce * stride) {
    int const last = first + (kAtOnce - 1) * stride;
    if (last < stop && plane.whole(first) && plane.whole(last)) {
      Pack<T, kPack> items[kAtOnce];
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) {
        items[i] = plane.load_whole(first + i * stride);
      }
#pragma unroll
      for (int i = 0; i < kAtOnce; ++i) {
        use(first + i * stride, items[i], 0, kPack);
      }
    } else {
      for (int pack = first; pack < stop && pack <= last; pack += stride) {
        use(pack, plane.load(pack), plane.shift - pack * kPack, plane.end - pack * kPack);
      }
    }
  }
}

// How many packs the largest plane may touch: one more where planes do not begin with a pack.
template <typename T>
int packs_of(std::int64_t size) {
  constexpr std::int64_t kPack = Plane<T>::kPack;
  return static_cast<int>(ceil_div(size + (size % kPack == 0 ? 0 : kPack - 1), kPack));
}

}  // namespace farm::planes
