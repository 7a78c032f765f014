// Which kernels a deformable convolution takes, and their launch.
#pragma once

#include <algorithm>
#include <limits>
#include <type_traits>

#include "common/deform_conv/direct.cuh"
#include "common/deform_conv/pack.cuh"
#include "common/deform_conv/parts.cuh"
#include "common/deform_conv/tiles.cuh"
#include "common/launch.cuh"

namespace farm {
namespace deform_conv_detail {

constexpr std::int64_t kMostBlocks = std::int64_t{1} << 16;  // of kernels that stride over the rest
constexpr std::size_t kMostPartsBytes = std::size_t{16} << 20;  // of sums that blocks share

inline bool valid(const DeformConvSize& size) {
  constexpr std::int64_t kLargest = std::numeric_limits<int>::max();
  const bool positive =
      size.groups > 0 && size.deform_groups > 0 && size.taps() > 0 && size.channels > 0;
  return positive && size.channels % size.groups == 0 && size.channels % size.deform_groups == 0 &&
         size.out_channels % size.groups == 0 && size.area() <= kLargest &&
         size.channels <= kLargest / 64 && size.out_channels <= kLargest / 64;
}

inline std::int64_t outputs_of(const DeformConvSize& size) {
  return size.images * size.out_channels * size.out_area();
}

inline unsigned blocks_for(std::int64_t threads) {
  return static_cast<unsigned>(std::min(ceil_div(threads, std::int64_t{kThreads}), kMostBlocks));
}

// Bytes of sums, if as many blocks share each tile as can.
inline std::size_t parts_bytes(const DeformConvSize& size, const Plan& plan) {
  const auto all = static_cast<std::size_t>(outputs_of(size)) * plan.portions() * sizeof(float);
  return aligned(std::min(all, kMostPartsBytes));
}

// Bytes of what pairs need: a magnitude for each image, an exponent for each output channel.
inline std::size_t scales_bytes(const DeformConvSize& size) {
  return aligned(static_cast<std::size_t>(size.images + size.out_channels) * sizeof(int));
}

// Bytes of the workspace, 256-byte aligned.
inline std::size_t workspace_bytes(const DeformConvSize& size, std::size_t element_bytes) {
  if (!valid(size)) return 0;
  const Plan plan = plan_of(size, element_bytes);
  if (!plan.tiled) return 0;
  return pixels_bytes(size, plan) + packed_bytes(size, plan) + parts_bytes(size, plan) +
         scales_bytes(size);
}

// Cuts the workspace, and fills it with input and weights as the tiles want them.
template <typename Way, typename T>
cudaError_t pack(TileArguments<T>& arguments, void* workspace, cudaStream_t stream) {
  const DeformConvSize& size = arguments.size;
  const Plan& plan = arguments.plan;
  auto* const turned = static_cast<unsigned char*>(workspace);
  auto* const packed = turned + pixels_bytes(size, plan);
  auto* const parts = packed + packed_bytes(size, plan);
  auto* const scales = parts + parts_bytes(size, plan);
  PackArguments<T> given{};
  given.x = arguments.tensors.x;
  given.turned = reinterpret_cast<T*>(turned);
  given.weight = arguments.tensors.weight;
  given.packed = reinterpret_cast<T*>(packed);
  given.largest = reinterpret_cast<unsigned*>(scales);
  given.exponents = reinterpret_cast<int*>(scales) + size.images;
  given.zeros = given.turned + size.images * size.area() * plan.row();
  given.channels = size.channels;
  given.area = size.area();
  given.pixel_tiles = static_cast<unsigned>(ceil_div(size.area(), std::int64_t{kTurned}));
  given.plan = plan;
  given.channel_tiles = ceil_div(plan.row(), kTurned);
  given.group_channels = static_cast<int>(size.channels / size.groups);
  given.taps = size.taps();
  given.rows = size.groups * plan.packed_out;
  arguments.turned = given.turned;
  arguments.packed = given.packed;
  arguments.parts = reinterpret_cast<float*>(parts);
  arguments.largest = given.largest;
  arguments.exponents = given.exponents;
  if (std::is_same_v<Way, Exact>) {
    const cudaError_t status = cudaMemsetAsync(
        given.largest, 0, static_cast<std::size_t>(size.images) * sizeof(unsigned), stream);
    if (status != cudaSuccess) return status;
  }
  const std::int64_t squares = size.images * given.pixel_tiles * given.channel_tiles;
  given.squares = static_cast<unsigned>(squares);
  given.turning = static_cast<int>(blocks_for(squares * kThreads));
  const unsigned packing = blocks_for(std::int64_t{given.rows} * kThreads);
  const Launch shape{dim3(static_cast<unsigned>(given.turning) + packing), dim3(kThreads), 0,
                     stream};
  return launch(deform_conv_pack<T, Way>, shape, given);
}

// Blocks for each tile, where tiles are few: so that each SM has two, but beyond eight, whose sums
// cost more to add than they save, only so that each has one.
inline int splits_for(const DeformConvSize& size, const Plan& plan, std::int64_t tiles,
                      std::int64_t processors) {
  const auto bytes = static_cast<std::int64_t>(sizeof(float)) * outputs_of(size);
  const std::int64_t room = static_cast<std::int64_t>(kMostPartsBytes) / bytes;
  const std::int64_t wanted =
      std::max(std::min(2 * processors / tiles, std::int64_t{8}), processors / tiles);
  const std::int64_t most = std::min<std::int64_t>(room, plan.portions());
  return static_cast<int>(std::max(std::int64_t{1}, std::min(wanted, most)));
}

template <typename Shape>
std::int64_t tiles_of(const DeformConvSize& size, const Plan& plan) {
  const std::int64_t pixel_tiles =
      ceil_div(size.images * size.out_area(), std::int64_t{Shape::kPixels});
  return pixel_tiles * (plan.packed_out / Shape::kColumns) * size.groups;
}

template <typename Way, typename Shape, typename T>
cudaError_t launch_tiles(TileArguments<T> arguments, int splits, cudaStream_t stream) {
  arguments.column_tiles = arguments.plan.packed_out / Shape::kColumns;
  const int portions = arguments.plan.portions();
  arguments.share = ceil_div(portions, splits);
  arguments.splits = ceil_div(portions, arguments.share);
  const std::int64_t tiles = tiles_of<Shape>(arguments.size, arguments.plan);
  if (tiles > std::numeric_limits<int>::max()) return cudaErrorInvalidConfiguration;
  const Launch shape{dim3(static_cast<unsigned>(tiles), static_cast<unsigned>(arguments.splits)),
                     dim3(kThreads), sizeof(TileMemory<T, Shape>), stream};
  const cudaError_t status = launch(deform_conv_tiles<T, Way, Shape>, shape, arguments);
  if (status != cudaSuccess || arguments.splits == 1) return status;
  const Launch sum{dim3(blocks_for(outputs_of(arguments.size))), dim3(kThreads), 0, stream};
  return launch(deform_conv_sum<T>, sum, arguments);
}

// What of a card counts for the choice of tiles.
struct Card {
  int processors, shared_bytes;
};

inline cudaError_t card_of(Card& card) {
  int device = 0;
  cudaError_t status = cudaGetDevice(&device);
  if (status == cudaSuccess)
    status = cudaDeviceGetAttribute(&card.processors, cudaDevAttrMultiProcessorCount, device);
  if (status == cudaSuccess) {
    status =
        cudaDeviceGetAttribute(&card.shared_bytes, cudaDevAttrMaxSharedMemoryPerBlockOptin, device);
  }
  return status;
}

// Whether tiles of that shape waste no columns, and fit into shared memory.
template <typename Shape, typename T>
bool suits(const TileArguments<T>& arguments, const Card& card) {
  return Shape::kColumns <= arguments.plan.widest &&
         sizeof(TileMemory<T, Shape>) <= static_cast<std::size_t>(card.shared_bytes);
}

template <typename Way, typename Shape, typename T>
cudaError_t launch_shared(const TileArguments<T>& arguments, const Card& card,
                          cudaStream_t stream) {
  const std::int64_t tiles = tiles_of<Shape>(arguments.size, arguments.plan);
  const int splits = splits_for(arguments.size, arguments.plan, tiles, card.processors);
  return launch_tiles<Way, Shape>(arguments, splits, stream);
}

// The widest tiles, since those sample each pixel the fewest times.
template <typename Way, typename T>
cudaError_t choose_tiles(const TileArguments<T>& arguments, cudaStream_t stream) {
  Card card{};
  const cudaError_t status = card_of(card);
  if (status != cudaSuccess) return status;
  if (suits<TileShape<256>>(arguments, card))
    return launch_shared<Way, TileShape<256>>(arguments, card, stream);
  if (suits<TileShape<128>>(arguments, card))
    return launch_shared<Way, TileShape<128>>(arguments, card, stream);
  return launch_shared<Way, TileShape<64>>(arguments, card, stream);
}

template <typename Way, typename T>
cudaError_t run_tiles(TileArguments<T> arguments, void* workspace, cudaStream_t stream) {
  const cudaError_t status = pack<Way>(arguments, workspace, stream);
  return status == cudaSuccess ? choose_tiles<Way>(arguments, stream) : status;
}

// y = the convolution of x at moved places; `tf32` lets float32 factors be rounded to 10 bits
// behind the point. cudaErrorInvalidValue: sizes that do not go together, or an image of 2^31
// pixels.
template <typename T>
cudaError_t run(const DeformConvSize& size, const DeformConvTensors<T>& tensors, bool tf32,
                void* workspace, cudaStream_t stream) {
  if (!valid(size)) return cudaErrorInvalidValue;
  const std::int64_t count = outputs_of(size);
  if (count == 0) return cudaSuccess;
  const Plan plan = plan_of(size, sizeof(T));
  if (!plan.tiled) {
    return launch(deform_conv_direct<T>, Launch{dim3(blocks_for(count)), dim3(kThreads), 0, stream},
                  tensors, size, count);
  }
  TileArguments<T> arguments{};
  arguments.tensors = tensors;
  arguments.size = size;
  arguments.plan = plan;
  if constexpr (std::is_same_v<T, float>) {
    return tf32 ? run_tiles<Rounded>(arguments, workspace, stream)
                : run_tiles<Exact>(arguments, workspace, stream);
  } else {
    return run_tiles<Half>(arguments, workspace, stream);
  }
}

}  // namespace deform_conv_detail
}  // namespace farm
