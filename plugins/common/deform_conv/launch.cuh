// Which kernels a deformable convolution takes, and their launch.
#pragma once

#include <limits>
#include <type_traits>

#include "common/deform_conv/direct.cuh"
#include "common/deform_conv/tiles.cuh"
#include "common/launch.cuh"

namespace farm {
namespace deform_conv_detail {

constexpr std::int64_t kMostBlocks = std::int64_t{1} << 16;  // of kernels that stride over the rest

inline bool valid(const DeformConvSize& size) {
  constexpr std::int64_t kLargest = std::numeric_limits<int>::max();
  const bool positive =
      size.groups > 0 && size.deform_groups > 0 && size.taps() > 0 && size.channels > 0;
  return positive && size.channels % size.groups == 0 && size.channels % size.deform_groups == 0 &&
         size.out_channels % size.groups == 0 && size.area() <= kLargest &&
         size.channels <= kLargest / 64 && size.out_channels <= kLargest / 64;
}

inline dim3 blocks_for(std::int64_t threads) {
  const std::int64_t blocks = ceil_div(threads, std::int64_t{kThreads});
  return dim3(static_cast<unsigned>(blocks < kMostBlocks ? blocks : kMostBlocks));
}

template <typename T>
cudaError_t pack(const DeformConvSize& size, const Plan& plan, const DeformConvTensors<T>& tensors,
                 T* turned, T* packed, cudaStream_t stream) {
  const std::int64_t pixel_tiles = ceil_div(size.area(), std::int64_t{kTurned});
  const int channel_tiles = ceil_div(plan.row(), kTurned);
  const std::int64_t squares = size.images * pixel_tiles * channel_tiles;
  const Launch turn{blocks_for(squares * kThreads), dim3(kThreads), 0, stream};
  const cudaError_t status = launch(channels_last<T>, turn, tensors.x, turned, size.channels,
                                    size.area(), plan, size.images, pixel_tiles, channel_tiles);
  if (status != cudaSuccess) return status;
  const std::int64_t count = packed_count(size, plan);
  return launch(pack_weights<T>, Launch{blocks_for(count), dim3(kThreads), 0, stream},
                tensors.weight, packed, static_cast<int>(size.channels / size.groups), size.taps(),
                plan, count);
}

template <typename Way, int kColumns, typename T>
cudaError_t launch_tiles(TileArguments<T> arguments, std::int64_t pixel_tiles,
                         cudaStream_t stream) {
  arguments.column_tiles = arguments.plan.packed_out / kColumns;
  const std::int64_t blocks = pixel_tiles * arguments.column_tiles * arguments.size.groups;
  if (blocks > std::numeric_limits<int>::max()) return cudaErrorInvalidConfiguration;
  const Launch tiles{dim3(static_cast<unsigned>(blocks)), dim3(kThreads),
                     sizeof(TileMemory<T, kColumns>), stream};
  return launch(deform_conv_tiles<T, Way, kColumns>, tiles, arguments);
}

// The widest tiles that give each SM a block; the narrowest where there are too few outputs for
// that. Wide tiles sample each pixel fewer times.
template <typename Way, typename T>
cudaError_t choose_width(const TileArguments<T>& arguments, cudaStream_t stream) {
  int device = 0, processors = 0;
  cudaError_t status = cudaGetDevice(&device);
  if (status == cudaSuccess)
    status = cudaDeviceGetAttribute(&processors, cudaDevAttrMultiProcessorCount, device);
  if (status != cudaSuccess) return status;
  const DeformConvSize& size = arguments.size;
  const std::int64_t pixel_tiles = ceil_div(size.images * size.out_area(), std::int64_t{kPixels});
  for (const int width : {256, 128}) {
    const std::int64_t blocks = pixel_tiles * (arguments.plan.packed_out / width) * size.groups;
    if (width > arguments.plan.widest || blocks < processors) continue;
    return width == 256 ? launch_tiles<Way, 256>(arguments, pixel_tiles, stream)
                        : launch_tiles<Way, 128>(arguments, pixel_tiles, stream);
  }
  return launch_tiles<Way, 64>(arguments, pixel_tiles, stream);
}

// Bytes of the workspace, 256-byte aligned.
inline std::size_t workspace_bytes(const DeformConvSize& size, std::size_t element_bytes) {
  if (!valid(size)) return 0;
  const Plan plan = plan_of(size, element_bytes);
  if (!plan.tiled) return 0;
  return pixels_bytes(size, plan) +
         aligned(static_cast<std::size_t>(packed_count(size, plan)) * element_bytes);
}

// y = the convolution of x at moved places; `tf32` lets float32 factors be rounded to 10 bits
// behind the point. cudaErrorInvalidValue: sizes that do not go together, or an image of 2^31
// pixels.
template <typename T>
cudaError_t run(const DeformConvSize& size, const DeformConvTensors<T>& tensors, bool tf32,
                void* workspace, cudaStream_t stream) {
  if (!valid(size)) return cudaErrorInvalidValue;
  const std::int64_t count = size.images * size.out_channels * size.out_area();
  if (count == 0) return cudaSuccess;
  const Plan plan = plan_of(size, sizeof(T));
  if (!plan.tiled) {
    return launch(deform_conv_direct<T>, Launch{blocks_for(count), dim3(kThreads), 0, stream},
                  tensors, size, count);
  }
  T* const turned = static_cast<T*>(workspace);
  T* const packed =
      reinterpret_cast<T*>(static_cast<unsigned char*>(workspace) + pixels_bytes(size, plan));
  const cudaError_t status = pack(size, plan, tensors, turned, packed, stream);
  if (status != cudaSuccess) return status;
  const TileArguments<T> arguments{tensors, size, plan, turned, packed, 0};
  if constexpr (std::is_same_v<T, float>) {
    return tf32 ? choose_width<Rounded>(arguments, stream) : choose_width<Exact>(arguments, stream);
  } else {
    return choose_width<Half>(arguments, stream);
  }
}

}  // namespace deform_conv_detail
}  // namespace farm
