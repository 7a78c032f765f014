// Planes that fit the registers of a warp, or of a part of one.
#pragma once

#include <algorithm>
#include <cstdint>

#include "common/launch.cuh"
#include "planes.cuh"

namespace farm::planes {

constexpr int kSmallPlaneThreads = 256;
constexpr int kSmallPacks = 256;

// Small planes: `width` lanes each, of which each keeps up to `kHeld` packs in registers, so that
// mean and squares can be summed one after the other: that is a few instructions for an element,
// where moments that are merged pack by pack would cost more time than the memory takes.
template <typename T, int kHeld>
__global__ void __launch_bounds__(kSmallPlaneThreads) normalize_small(Tensors<T> all, int width) {
  std::int64_t const mine =
      (static_cast<std::int64_t>(blockIdx.x) * kSmallPlaneThreads + threadIdx.x) / width;
  int const lane = static_cast<int>(threadIdx.x) & (width - 1);
  bool const any = mine < all.planes;
  Plane<T> const plane(all, any ? mine : 0);
  int const packs = any ? plane.packs() : 0;
  Pack<T, Plane<T>::kPack> held[kHeld];
  float sum = 0.0f;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (lane + i * width < packs) {
      held[i] = plane.load(lane + i * width);
    }
  }
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (lane + i * width < packs) {
      plane.visit_items(lane + i * width, held[i], [&](float value) { sum += value; });
    }
  }
  float const size = static_cast<float>(all.size);
  float const mean = sum_of_lanes(sum, width) / size;
  float squares = 0.0f;
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (lane + i * width < packs) {
      plane.visit_items(lane + i * width, held[i],
                        [&](float value) { squares += (value - mean) * (value - mean); });
    }
  }
  Moments const total = {size, mean, sum_of_lanes(squares, width)};
  float const factor = plane.factor(total, size, all.epsilon);
#pragma unroll
  for (int i = 0; i < kHeld; ++i) {
    if (lane + i * width < packs) {
      plane.store(lane + i * width, held[i], mean, factor);
    }
  }
}

// Four packs a lane where that leaves eight lanes to a plane: they load 128 bytes at once.
template <typename T>
cudaError_t run_small(Tensors<T> const& all, cudaStream_t stream) {
  int packs = 1;
  while (packs < packs_of<T>(all.size)) {
    packs *= 2;
  }
  int const width = std::min({packs, std::max(8, packs / 4), 32});
  std::int64_t const blocks = ceil_div<std::int64_t>(all.planes, kSmallPlaneThreads / width);
  if (blocks > kMostBlocks) {
    return cudaErrorInvalidValue;
  }
  Launch const shape{dim3(static_cast<unsigned>(blocks)), dim3(kSmallPlaneThreads), 0, stream};
  switch (packs / width) {
    case 1:
      return launch(normalize_small<T, 1>, shape, all, width);
    case 2:
      return launch(normalize_small<T, 2>, shape, all, width);
    case 4:
      return launch(normalize_small<T, 4>, shape, all, width);
    default:
      return launch(normalize_small<T, kSmallPacks / 32>, shape, all, width);
  }
}

}  // namespace farm::planes
