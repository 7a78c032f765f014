// Bound by memory. Two ways:
//   fused    one pass writes each slice of the output from where it comes, so that what is replaced
//            is neither read nor written twice; which update replaces a slice is found before, in
//            four bytes for each slice of the data.
//   in turn  a copy of the data, then the updates over it: where slices are so short or updates so
//            few that those four bytes would cost more than they save, and in place.
// A thread has four packs of up to 16 bytes, a block's width apart, all loaded before a store.
#include "kernel.hpp"

#include <limits>

#include "common/launch.cuh"

namespace farm {
namespace {

constexpr int kThreads = 256;
constexpr int kPacksEach = 4;
constexpr std::int64_t kBlockPacks = kThreads * kPacksEach;
constexpr std::int64_t kMostBlocks = std::numeric_limits<std::int32_t>::max();
constexpr int kShortestFused = 32;  // bytes of a slice
constexpr std::int64_t kOutside = -1;
constexpr int kNoUpdate = -1;

struct Places {
  int const* indices;
  int depth;
  std::int64_t sizes[kScatterMaxRank];
};

// Where an update goes, in slices of the data.
__device__ __forceinline__ std::int64_t place_of(Places const& places, std::int64_t update) {
  std::int64_t place = 0;
  // Unrolled, so that sizes are read where parameters lie and need no copy.
#pragma unroll
  for (int axis = 0; axis < kScatterMaxRank; ++axis) {
    if (axis < places.depth) {
      std::int64_t index = places.indices[update * places.depth + axis];
      index += index < 0 ? places.sizes[axis] : 0;
      if (index < 0 || index >= places.sizes[axis]) {
        return kOutside;
      }
      place = place * places.sizes[axis] + index;
    }
  }
  return place;
}

// The last of the updates of each slice: a thread for each update.
__global__ void __launch_bounds__(kThreads)
    find_updates(Places places, std::int64_t count, int* __restrict__ update_of) {
  std::int64_t const update = static_cast<std::int64_t>(blockIdx.x) * kThreads + threadIdx.x;
  if (update < count) {
    std::int64_t const place = place_of(places, update);
    if (place != kOutside) {
      atomicMax(update_of + place, static_cast<int>(update));
    }
  }
}

// Every slice of the output, from the data or from its update. `Index` holds the number of packs: a
// division by it is cheap only in 32 bits.
template <typename Pack, typename Index>
__global__ void __launch_bounds__(kThreads)
    write_all(Pack const* __restrict__ data, Pack const* __restrict__ updates,
              int const* __restrict__ update_of, Pack* __restrict__ output, Index packs,
              Index slice_packs) {
  Index const first = blockIdx.x * static_cast<Index>(kBlockPacks) + threadIdx.x;
  int update[kPacksEach];
  Pack loaded[kPacksEach];
#pragma unroll
  for (int i = 0; i < kPacksEach; ++i) {
    Index const pack = first + i * kThreads;
    update[i] = pack < packs ? update_of[pack / slice_packs] : kNoUpdate;
  }
#pragma unroll
  for (int i = 0; i < kPacksEach; ++i) {
    Index const pack = first + i * kThreads;
    if (pack < packs) {
      std::int64_t const begin = static_cast<std::int64_t>(update[i]) * slice_packs;
      loaded[i] = update[i] == kNoUpdate ? data[pack] : updates[begin + pack % slice_packs];
    }
  }
#pragma unroll
  for (int i = 0; i < kPacksEach; ++i) {
    Index const pack = first + i * kThreads;
    if (pack < packs) {
      output[pack] = loaded[i];
    }
  }
}

// Every update to its place.
template <typename Pack, typename Index>
__global__ void __launch_bounds__(kThreads)
    write_updates(Pack const* __restrict__ updates, Places places, Pack* __restrict__ output,
                  Index packs, Index slice_packs) {
  Index const first = blockIdx.x * static_cast<Index>(kBlockPacks) + threadIdx.x;
#pragma unroll
  for (int i = 0; i < kPacksEach; ++i) {
    Index const pack = first + i * kThreads;
    if (pack < packs) {
      Index const update = pack / slice_packs;
      std::int64_t const place = place_of(places, update);
      if (place != kOutside) {
        output[place * slice_packs + (pack - update * slice_packs)] = updates[pack];
      }
    }
  }
}

std::int64_t slices_of(Scatter const& how) {
  std::int64_t slices = 1;
  for (int axis = 0; axis < how.depth; ++axis) {
    slices *= how.sizes[axis];
  }
  return slices;
}

Places places_of(Scatter const& how, int const* indices) {
  Places places = {indices, how.depth, {}};
  for (int axis = 0; axis < how.depth; ++axis) {
    places.sizes[axis] = how.sizes[axis];
  }
  return places;
}

// Fused costs four bytes for each slice, cleared, written and read; in turn costs the replaced
// slices once more, read and written.
bool fused_is_less(Scatter const& how, std::int64_t slices) {
  return how.slice_bytes >= kShortestFused && how.count <= kMostBlocks &&
         how.count * how.slice_bytes >= 4 * slices;
}

// Calls `work` with a pack that divides a slice, and an index that holds the number of packs.
template <typename Work>
cudaError_t with_packs(Scatter const& how, std::int64_t slices, Work work) {
  auto const with_index = [&](auto pack) {
    std::int64_t const slice_packs = how.slice_bytes / static_cast<std::int64_t>(sizeof pack);
    std::int64_t const packs = slices * slice_packs;
    std::int64_t const blocks = ceil_div(packs, kBlockPacks);
    if (blocks > kMostBlocks) {
      return cudaErrorInvalidValue;
    }
    Launch const shape{dim3(static_cast<unsigned>(blocks)), dim3(kThreads), 0, nullptr};
    return packs > std::numeric_limits<std::int32_t>::max()
               ? work(shape, pack, packs, slice_packs)
               : work(shape, pack, static_cast<std::uint32_t>(packs),
                      static_cast<std::uint32_t>(slice_packs));
  };
  if (how.slice_bytes % 16 == 0) {
    return with_index(uint4{});
  }
  if (how.slice_bytes % 8 == 0) {
    return with_index(uint2{});
  }
  return how.slice_bytes % 4 == 0 ? with_index(0u) : with_index(static_cast<unsigned short>(0));
}

cudaError_t run_fused(Scatter const& how, std::int64_t slices, void const* data, int const* indices,
                      void const* updates, void* output, int* update_of, cudaStream_t stream) {
  // All bits set: kNoUpdate.
  cudaError_t status =
      cudaMemsetAsync(update_of, 0xFF, static_cast<std::size_t>(slices) * sizeof(int), stream);
  if (status == cudaSuccess) {
    auto const blocks = static_cast<unsigned>(ceil_div<std::int64_t>(how.count, kThreads));
    status = launch(find_updates, Launch{dim3(blocks), dim3(kThreads), 0, stream},
                    places_of(how, indices), how.count, update_of);
  }
  if (status != cudaSuccess) {
    return status;
  }
  return with_packs(how, slices, [&](Launch shape, auto pack, auto packs, auto slice_packs) {
    using Pack = decltype(pack);
    shape.stream = stream;
    return launch(write_all<Pack, decltype(packs)>, shape, static_cast<Pack const*>(data),
                  static_cast<Pack const*>(updates), update_of, static_cast<Pack*>(output), packs,
                  slice_packs);
  });
}

cudaError_t run_in_turn(Scatter const& how, std::int64_t slices, void const* data,
                        int const* indices, void const* updates, void* output,
                        cudaStream_t stream) {
  if (output != data) {
    cudaError_t const status =
        cudaMemcpyAsync(output, data, static_cast<std::size_t>(slices * how.slice_bytes),
                        cudaMemcpyDeviceToDevice, stream);
    if (status != cudaSuccess) {
      return status;
    }
  }
  return with_packs(how, how.count, [&](Launch shape, auto pack, auto packs, auto slice_packs) {
    using Pack = decltype(pack);
    shape.stream = stream;
    return launch(write_updates<Pack, decltype(packs)>, shape, static_cast<Pack const*>(updates),
                  places_of(how, indices), static_cast<Pack*>(output), packs, slice_packs);
  });
}

}  // namespace

cudaError_t scatter_nd(const Scatter& how, const void* data, const std::int32_t* indices,
                       const void* updates, void* output, void* workspace, cudaStream_t stream) {
  std::int64_t const slices = slices_of(how);
  if (how.depth < 1 || how.depth > kScatterMaxRank) {
    return cudaErrorInvalidValue;
  }
  if (slices == 0 || how.slice_bytes == 0) {
    return cudaSuccess;
  }
  if (output != data && workspace != nullptr && fused_is_less(how, slices)) {
    return run_fused(how, slices, data, indices, updates, output, static_cast<int*>(workspace),
                     stream);
  }
  return run_in_turn(how, slices, data, indices, updates, output, stream);
}

// Not less for larger sizes, as TensorRT asks with the largest there will be.
std::size_t scatter_nd_workspace_bytes(const Scatter& how) {
  return how.slice_bytes < kShortestFused
             ? 0
             : static_cast<std::size_t>(slices_of(how)) * sizeof(std::int32_t);
}

}  // namespace farm
