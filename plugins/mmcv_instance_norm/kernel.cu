// Bound by memory: a plane is read once and written once, whatever its size, as far as a block can
// keep it. Sums are float32, joined by counts (moments.cuh), for any mean.
#include "kernel.hpp"

#include <algorithm>
#include <limits>

#include "common/launch.cuh"
#include "common/shared.cuh"
#include "planes.cuh"
#include "small.cuh"

namespace farm {
namespace {

using planes::kMostBlocks;
using planes::kSmallPacks;
using planes::merged;
using planes::Moments;
using planes::no_moments;
using planes::of_block;
using planes::packs_of;
using planes::Plane;
using planes::run_small;
using planes::Tensors;
using planes::visit;

constexpr int kMostThreads = 1024;
constexpr int kSmallThreads = 256;
// From here on a plane is worth several blocks, where there are fewer planes than multiprocessors.
constexpr int kLargePacks = 4096;
constexpr int kMostParts = 256;
// So that no position in the last pack passes 2^31.
constexpr std::int64_t kLargestPlane = std::numeric_limits<std::int32_t>::max() - 65536;
// Of the shared memory that a block may ask for: what `of_block` and the system have of it.
constexpr int kReservedBytes = 2048;
// Two blocks on a multiprocessor: one loads while the other stores.
constexpr int kTwinThreads = 512;

// What the launch depends on.
struct Card {
  int multiprocessors = 0;
  int block_shared_bytes = 0;
  int shared_bytes = 0;  // of a multiprocessor
  int cache_bytes = 0;
};

// A block for each plane: thread t has packs t, t + threads, …, the first `kept` of the plane in
// dynamic shared memory, 16 bytes each. Those beyond are read again: they were read last, and the
// blocks that run have little enough of them for the second cache.
template <typename T>
__global__ void __launch_bounds__(kMostThreads) normalize_planes(Tensors<T> all, int kept) {
  using Items = Pack<T, Plane<T>::kPack>;
  Items* const shelf = dynamic_shared<Items>();
  Plane<T> const plane(all, blockIdx.x);
  int const packs = plane.packs();
  Moments own = no_moments();
  visit(plane, 0, packs, [&](int pack, Items const& items, int begin, int stop) {
    if (pack < kept) {
      shelf[pack] = items;
    }
    own = merged(own, plane.moments(items, begin, stop));
  });
  Moments const total = of_block(own);
  float const factor = plane.factor(total, static_cast<float>(all.size), all.epsilon);
  // Each thread finds on the shelf what it put there itself.
  for (int pack = static_cast<int>(threadIdx.x); pack < min(kept, packs);
       pack += static_cast<int>(blockDim.x)) {
    plane.store(pack, shelf[pack], total.mean, factor);
  }
  visit(plane, kept, packs, [&](int pack, Items const& items, int, int) {
    plane.store(pack, items, total.mean, factor);
  });
}

// Few large planes: `gridDim.x` blocks for each. First the moments of their parts …
template <typename T>
__global__ void __launch_bounds__(kSmallThreads)
    measure_parts(Tensors<T> all, int part_packs, Moments* parts) {
  Plane<T> const plane(all, blockIdx.y);
  int const begin = static_cast<int>(blockIdx.x) * part_packs;
  int const end = min(begin + part_packs, plane.packs());
  Moments own = no_moments();
  visit(plane, begin, end, [&](int, Pack<T, Plane<T>::kPack> const& items, int first, int stop) {
    own = merged(own, plane.moments(items, first, stop));
  });
  Moments const total = of_block(own);
  if (threadIdx.x == 0) {
    parts[blockIdx.y * gridDim.x + blockIdx.x] = total;
  }
}

// … then the same parts are normalized with the moments of all.
template <typename T>
__global__ void __launch_bounds__(kSmallThreads)
    normalize_parts(Tensors<T> all, int part_packs, Moments const* parts) {
  static_assert(kMostParts <= kSmallThreads, "a thread for each part");
  Plane<T> const plane(all, blockIdx.y);
  Moments const total = of_block(threadIdx.x < gridDim.x
                                     ? parts[blockIdx.y * gridDim.x + threadIdx.x]
                                     : no_moments());
  float const factor = plane.factor(total, static_cast<float>(all.size), all.epsilon);
  int const begin = static_cast<int>(blockIdx.x) * part_packs;
  int const end = min(begin + part_packs, plane.packs());
  visit(plane, begin, end, [&](int pack, Pack<T, Plane<T>::kPack> const& items, int, int) {
    plane.store(pack, items, total.mean, factor);
  });
}

template <typename T>
cudaError_t run_planes(Tensors<T> const& all, Card const& card, cudaStream_t stream) {
  if (all.planes > kMostBlocks) {
    return cudaErrorInvalidValue;
  }
  int const packs = packs_of<T>(all.size);
  int most_threads = kMostThreads;
  int kept = std::min(packs, (card.block_shared_bytes - kReservedBytes) / 16);
  // A plane of more than half of the shared memory leaves no room for a second block. Where the
  // planes that are worked on fit the second cache, it is better to keep less of each.
  int const half = (card.shared_bytes / 2 - kReservedBytes) / 16;
  if (kept > half && 2 * card.multiprocessors * (packs * 16.0) <= 0.75 * card.cache_bytes) {
    kept = half;
    most_threads = kTwinThreads;
  }
  int threads = kSmallThreads;
  while (threads < most_threads && threads * 8 < packs) {
    threads *= 2;
  }
  return launch(normalize_planes<T>,
                Launch{dim3(static_cast<unsigned>(all.planes)), dim3(threads),
                       static_cast<std::size_t>(kept) * 16, stream},
                all, kept);
}

template <typename T>
cudaError_t run_parts(Tensors<T> const& all, int multiprocessors, Moments* workspace,
                      cudaStream_t stream) {
  if (workspace == nullptr) {
    return cudaErrorInvalidValue;
  }
  int const packs = packs_of<T>(all.size);
  // Eight small blocks for each multiprocessor, and four packs at least for each thread.
  std::int64_t const wanted = ceil_div<std::int64_t>(8 * multiprocessors, all.planes);
  std::int64_t const most = std::min(kMostParts, packs / (4 * kSmallThreads));
  int const parts = static_cast<int>(std::max<std::int64_t>(1, std::min(wanted, most)));
  int const part_packs = ceil_div(packs, parts);
  Launch const shape{dim3(parts, static_cast<unsigned>(all.planes)), dim3(kSmallThreads), 0,
                     stream};
  cudaError_t const status = launch(measure_parts<T>, shape, all, part_packs, workspace);
  return status != cudaSuccess ? status
                               : launch(normalize_parts<T>, shape, all, part_packs, workspace);
}

cudaError_t look_at(Card* card) {
  int device = 0;
  cudaError_t status = cudaGetDevice(&device);
  struct {
    int* value;
    cudaDeviceAttr which;
  } const asked[] = {
      {&card->multiprocessors, cudaDevAttrMultiProcessorCount},
      {&card->block_shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin},
      {&card->shared_bytes, cudaDevAttrMaxSharedMemoryPerMultiprocessor},
      {&card->cache_bytes, cudaDevAttrL2CacheSize},
  };
  for (auto const& [value, which] : asked) {
    if (status == cudaSuccess) {
      status = cudaDeviceGetAttribute(value, which, device);
    }
  }
  return status;
}

template <typename T>
cudaError_t run(Tensors<T> const& all, void* workspace, cudaStream_t stream) {
  if (packs_of<T>(all.size) <= kSmallPacks) {
    return run_small(all, stream);
  }
  Card card;
  cudaError_t const status = look_at(&card);
  if (status != cudaSuccess) {
    return status;
  }
  bool const few = all.planes < card.multiprocessors && packs_of<T>(all.size) >= kLargePacks;
  return few ? run_parts(all, card.multiprocessors, static_cast<Moments*>(workspace), stream)
             : run_planes(all, card, stream);
}

template <typename T>
cudaError_t checked(T const* input, T const* scale, T const* bias, T* output, std::int64_t samples,
                    std::int64_t channels, std::int64_t size, float epsilon, void* workspace,
                    cudaStream_t stream) {
  if (samples == 0 || channels == 0 || size == 0) {
    return cudaSuccess;
  }
  if (size > kLargestPlane || channels > kMostBlocks) {
    return cudaErrorInvalidValue;
  }
  return run(Tensors<T>{input, scale, bias, output, samples * channels, static_cast<int>(channels),
                        static_cast<int>(size), epsilon},
             workspace, stream);
}

}  // namespace

cudaError_t instance_norm(const float* input, const float* scale, const float* bias, float* output,
                          std::int64_t samples, std::int64_t channels, std::int64_t size,
                          float epsilon, void* workspace, cudaStream_t stream) {
  return checked(input, scale, bias, output, samples, channels, size, epsilon, workspace, stream);
}

cudaError_t instance_norm(const __half* input, const __half* scale, const __half* bias,
                          __half* output, std::int64_t samples, std::int64_t channels,
                          std::int64_t size, float epsilon, void* workspace, cudaStream_t stream) {
  return checked(input, scale, bias, output, samples, channels, size, epsilon, workspace, stream);
}

// As much as any card may want: no card has so many multiprocessors that more planes are few.
std::size_t instance_norm_workspace_bytes(std::int64_t samples, std::int64_t channels,
                                          std::int64_t size) {
  constexpr std::int64_t kMostMultiprocessors = 256;
  std::int64_t const planes = samples * channels;
  bool const may_split = planes < kMostMultiprocessors && packs_of<float>(size) >= kLargePacks;
  return may_split ? static_cast<std::size_t>(planes) * kMostParts * sizeof(Moments) : 0;
}

}  // namespace farm
