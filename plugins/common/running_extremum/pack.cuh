// Neighbouring elements of a scan: candidates as they come, values and places as they go.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "../pack.cuh"
#include "order.cuh"

namespace farm::running_extremum {

template <typename T, int kCount>
__device__ __forceinline__ void load(T const* from, int begin, int end, Wide<T> (&values)[kCount]) {
  Pack<T, kCount> const pack = load_pack<T, kCount>(from, begin, end);
#pragma unroll
  for (int k = 0; k < kCount; ++k) {
    values[k] = wide(pack.item[k]);
  }
}

template <typename T, int kCount>
__device__ __forceinline__ void store(T* values, std::int32_t* places, int begin, int end,
                                      Best<Wide<T>> const (&bests)[kCount]) {
  Pack<T, kCount> value_pack;
  Pack<std::int32_t, kCount> place_pack;
#pragma unroll
  for (int k = 0; k < kCount; ++k) {
    value_pack.item[k] = narrow<T>(bests[k].value);
    place_pack.item[k] = bests[k].place;
  }
  store_pack(values, begin, end, value_pack);
  store_pack(places, begin, end, place_pack);
}

}  // namespace farm::running_extremum
