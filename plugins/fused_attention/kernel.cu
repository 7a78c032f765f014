// Scaled dot-product attention: which kernel takes a size, and its launch.
#include "kernel.hpp"

#include <cstdint>
#include <limits>

#include "common/launch.cuh"
#include "plain.cuh"
#include "tensor_cores.cuh"

namespace farm {
namespace {

using namespace attention_detail;

constexpr int kMostChannels = 128;
constexpr std::int64_t kMostKeys = std::int64_t{1} << 30;

struct Card {
  int processors = 0, shared_bytes = 0, major = 0, minor = 0;

  cudaError_t ask() {
    int device = 0;
    cudaError_t status = cudaGetDevice(&device);
    const auto one = [&](int& value, cudaDeviceAttr attribute) {
      if (status == cudaSuccess) status = cudaDeviceGetAttribute(&value, attribute, device);
    };
    one(processors, cudaDevAttrMultiProcessorCount);
    one(shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin);
    one(major, cudaDevAttrComputeCapabilityMajor);
    one(minor, cudaDevAttrComputeCapabilityMinor);
    return status;
  }

  // Before 7.5 tensor cores take their factors in another order.
  bool multiplies_matrices() const { return major * 10 + minor >= 75; }
};

// Tiles that cover the queries of a head.
std::int64_t tiles_of(const AttentionSize& size, int queries) {
  return ceil_div(size.queries, std::int64_t{queries});
}

template <typename Kernel, typename T>
cudaError_t launch_blocks(Kernel kernel, const AttentionSize& size,
                          const AttentionTensors<T>& tensors, int queries, int threads,
                          std::size_t shared_bytes, cudaStream_t stream) {
  const std::int64_t tiles = tiles_of(size, queries), blocks = tiles * size.heads * size.batch;
  if (blocks > std::numeric_limits<int>::max()) return cudaErrorInvalidConfiguration;
  const Launch shape{dim3(static_cast<unsigned>(blocks)), dim3(static_cast<unsigned>(threads)),
                     shared_bytes, stream};
  return launch(kernel, shape, tensors, size, static_cast<int>(tiles));
}

template <int kChannels, typename T>
cudaError_t launch_plain(const AttentionSize& size, const AttentionTensors<T>& tensors,
                         cudaStream_t stream) {
  using Layout = PlainLayout<kChannels>;
  return launch_blocks(attend_plainly<T, kChannels>, size, tensors, Layout::kQueries,
                       Layout::kThreads, Layout::kSharedBytes, stream);
}

template <typename T>
cudaError_t plain(const AttentionSize& size, const AttentionTensors<T>& tensors,
                  cudaStream_t stream) {
  if (size.channels <= 32) return launch_plain<32>(size, tensors, stream);
  if (size.channels <= 64) return launch_plain<64>(size, tensors, stream);
  return launch_plain<kMostChannels>(size, tensors, stream);
}

// What a plan would take, in about the clocks of an SM for each key: a sixteenth for the powers of
// each query of a block, and the bytes of a key and its value out of the second cache at 40 in a
// clock, as often as an SM has blocks one after the other.
template <typename P>
double cost(const AttentionSize& size, const Card& card) {
  if (P::kSharedBytes > card.shared_bytes) return std::numeric_limits<double>::infinity();
  const std::int64_t blocks = tiles_of(size, P::kQueries) * size.heads * size.batch;
  const auto rounds = static_cast<double>(ceil_div(blocks, std::int64_t{card.processors}));
  return rounds * (P::kQueries / 16.0 + 4.0 * P::kChannels / 40.0);
}

template <typename P>
cudaError_t launch_plan(const AttentionSize& size, const AttentionTensors<__half>& tensors,
                        cudaStream_t stream) {
  return launch_blocks(attend_tiles<P>, size, tensors, P::kQueries, P::kThreads, P::kSharedBytes,
                       stream);
}

// The cheapest of three: many queries in a block, some, or as few as there can be.
template <typename Many, typename Some, typename Few>
cudaError_t cheapest(const AttentionSize& size, const AttentionTensors<__half>& tensors,
                     const Card& card, cudaStream_t stream) {
  const double many = cost<Many>(size, card), some = cost<Some>(size, card),
               few = cost<Few>(size, card);
  if (many < some && many < few) return launch_plan<Many>(size, tensors, stream);
  return some < few ? launch_plan<Some>(size, tensors, stream)
                    : launch_plan<Few>(size, tensors, stream);
}

cudaError_t by_tensor_cores(const AttentionSize& size, const AttentionTensors<__half>& tensors,
                            const Card& card, cudaStream_t stream) {
  if (size.channels <= 32) {
    return cheapest<Plan<32, 10, 1, 2, 64, 3>, Plan<32, 4, 1, 2, 64, 3>, Plan<32, 1, 1, 8, 32, 2>>(
        size, tensors, card, stream);
  }
  if (size.channels <= 64) {
    return cheapest<Plan<64, 4, 2, 2, 32, 3>, Plan<64, 4, 1, 2, 32, 3>, Plan<64, 1, 1, 8, 16, 2>>(
        size, tensors, card, stream);
  }
  return cheapest<Plan<128, 8, 1, 1, 32, 3>, Plan<128, 4, 1, 2, 16, 3>, Plan<128, 1, 1, 4, 16, 2>>(
      size, tensors, card, stream);
}

bool valid(const AttentionSize& size) {
  return size.batch >= 0 && size.queries >= 0 && size.keys >= 0 && size.heads > 0 &&
         size.channels > 0 && size.channels <= kMostChannels && size.scale > 0.0f &&
         size.keys <= kMostKeys;
}

// Without keys. Rows of the output lie side by side.
template <typename T>
cudaError_t write_zeros(const AttentionSize& size, T* output, cudaStream_t stream) {
  const std::size_t row_bytes = sizeof(T) * static_cast<std::size_t>(size.heads * size.channels);
  return cudaMemsetAsync(output, 0, row_bytes * static_cast<std::size_t>(size.batch * size.queries),
                         stream);
}

bool empty(const AttentionSize& size) { return size.batch == 0 || size.queries == 0; }

// Vectors of 16 bytes need everything in whole ones.
bool in_vectors(const AttentionSize& size, const AttentionTensors<__half>& tensors) {
  std::uintptr_t addresses = reinterpret_cast<std::uintptr_t>(tensors.output);
  for (const __half* const tensor : {tensors.query, tensors.key, tensors.value})
    addresses |= reinterpret_cast<std::uintptr_t>(tensor);
  std::int64_t steps = size.channels;
  for (const AttentionRows& rows : {size.query, size.key, size.value, size.output})
    steps |= rows.image | rows.row;
  return addresses % 16 == 0 && steps % 8 == 0;
}

}  // namespace

cudaError_t attention(const AttentionSize& size, const AttentionTensors<float>& tensors,
                      cudaStream_t stream) {
  if (!valid(size)) return cudaErrorInvalidValue;
  if (empty(size)) return cudaSuccess;
  if (size.keys == 0) return write_zeros(size, tensors.output, stream);
  return plain(size, tensors, stream);
}

cudaError_t attention(const AttentionSize& size, const AttentionTensors<__half>& tensors,
                      cudaStream_t stream) {
  if (!valid(size)) return cudaErrorInvalidValue;
  if (empty(size)) return cudaSuccess;
  if (size.keys == 0) return write_zeros(size, tensors.output, stream);
  Card card;
  const cudaError_t status = card.ask();
  if (status != cudaSuccess) return status;
  return card.multiplies_matrices() && in_vectors(size, tensors)
             ? by_tensor_cores(size, tensors, card, stream)
             : plain(size, tensors, stream);
}

}  // namespace farm
